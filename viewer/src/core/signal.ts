/** Tells its listeners that something happened. */
export class Signal<T = void> {
  private readonly listeners = new Set<(value: T) => void>();

  /** Returns the way to stop listening. */
  listen(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  send(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
}
