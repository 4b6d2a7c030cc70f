/** Reads fields of received JSON and says which one is wrong, so that a fault of the server is not met as a blank picture. */
export class Fields {
  private readonly values: Record<string, unknown>;

  constructor(
    json: unknown,
    private readonly where: string,
  ) {
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw new FormatError(`${where}: not an object`);
    this.values = json as Record<string, unknown>;
  }

  raw(name: string): unknown {
    return this.values[name];
  }

  text(name: string, fallback?: string): string {
    const value = this.values[name];
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
    if (fallback !== undefined && (value === undefined || value === null)) return fallback;
    throw this.wrong(name, "text");
  }

  number(name: string, fallback?: number): number {
    const value = this.values[name];
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (fallback !== undefined && (value === undefined || value === null)) return fallback;
    throw this.wrong(name, "a number");
  }

  optionalNumber(name: string): number | null {
    const value = this.values[name];
    if (value === undefined || value === null || value === "") return null;
    // Decimals of Django arrive as text.
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number)) return number;
    throw this.wrong(name, "a number or null");
  }

  optionalText(name: string): string | null {
    const value = this.values[name];
    return value === undefined || value === null ? null : this.text(name);
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  numbers(name: string, count: number): number[] {
    const value = this.values[name];
    if (
      Array.isArray(value) &&
      value.length === count &&
      value.every((n) => typeof n === "number" && Number.isFinite(n))
    )
      return value;
    throw this.wrong(name, `${count} numbers`);
  }

  object(name: string): Fields {
    return new Fields(this.values[name], `${this.where}.${name}`);
  }

  optionalObject(name: string): Fields | null {
    const value = this.values[name];
    return value === undefined || value === null ? null : this.object(name);
  }

  list(name: string): unknown[] {
    const value = this.values[name];
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    throw this.wrong(name, "a list");
  }

  objects(name: string): Fields[] {
    return this.list(name).map((item, index) => new Fields(item, `${this.where}.${name}[${index}]`));
  }

  wrong(name: string, wanted: string): FormatError {
    return new FormatError(`${this.where}.${name}: expected ${wanted}`);
  }
}

export class FormatError extends Error {}
