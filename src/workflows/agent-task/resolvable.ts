/** A promise to be resolved from elsewhere, once. */
export interface Resolvable<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
}

/** Not the SDK's Trigger: that one rejects when the scope it was made in is cancelled, and a cancel must not pass for a decision. */
export function resolvable<Value>(): Resolvable<Value> {
  let settle: ((value: Value) => void) | undefined;
  const promise = new Promise<Value>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: (value) => settle?.(value) };
}
