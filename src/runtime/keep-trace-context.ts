import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api';

/**
 * Keeps the trace of whoever asked through everything that is done for them. The API has no such keeper; an SDK brings one, and if it was
 * there before us (`node --import`) it stays: ours is then refused, which is no error.
 */
export function keepTraceContext(): void {
  context.setGlobalContextManager(new StoredContext());
}

class StoredContext implements ContextManager {
  readonly #stored = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#stored.getStore() ?? ROOT_CONTEXT;
  }

  with<Arguments extends unknown[], Work extends (...given: Arguments) => ReturnType<Work>>(
    next: Context,
    work: Work,
    self?: ThisParameterType<Work>,
    ...given: Arguments
  ): ReturnType<Work> {
    return this.#stored.run(next, () => work.apply(self, given));
  }

  /** Of functions alone: the API knows emitters of events as well, and nothing here binds one. */
  bind<Bound>(next: Context, target: Bound): Bound {
    if (typeof target !== 'function') return target;
    const bound = (...given: unknown[]): unknown =>
      this.#stored.run(next, () => Reflect.apply(target, undefined, given));
    return bound as Bound; // called like the function that it stands for
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#stored.disable();
    return this;
  }
}
