import type { ControlDeps } from '../../src/control/deps.ts';

type Store = ControlDeps['store'];

/** The same store, in which questions of these names come to this end; it may ask them after all. */
export function storeWhere(
  store: Store,
  names: readonly string[],
  ends: (ask: () => unknown) => Promise<unknown>,
): Store {
  const asked = new Set(names.map((name) => `estop_${name}`));
  const through = (db: object): unknown =>
    new Proxy(db, {
      get: (real, key) => {
        if (key === 'connect') return async () => through(await store.connect());
        const held: unknown = Reflect.get(real, key, real);
        if (typeof held !== 'function') return held;
        if (key !== 'query') return held.bind(real) as unknown;
        return (query: { readonly name?: string }, ...more: readonly unknown[]) => {
          const ask = (): unknown => held.call(real, query, ...more) as unknown;
          return asked.has(query.name ?? '') ? ends(ask) : ask();
        };
      },
    });
  return through(store) as Store; // all else of it is the real one
}
