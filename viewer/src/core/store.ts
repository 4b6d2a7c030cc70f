export type Listener<S> = (state: S, previous: S) => void;

/** Holds one immutable state and tells listeners when it is replaced. */
export class Store<S extends object> {
  private readonly listeners = new Set<Listener<S>>();

  constructor(private current: S) {}

  get state(): S {
    return this.current;
  }

  set(patch: Partial<S>): void {
    const previous = this.current;
    const changed = (Object.keys(patch) as (keyof S)[]).some((key) => patch[key] !== previous[key]);
    if (!changed) return;
    this.current = { ...previous, ...patch };
    for (const listener of [...this.listeners]) listener(this.current, previous);
  }

  /** Returns the way to stop listening. */
  subscribe(listener: Listener<S>): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
