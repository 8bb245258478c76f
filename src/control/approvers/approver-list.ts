import { randomBytes } from 'node:crypto';
import type { ConfigSource } from '../../contract/config.ts';
import type { Authenticator } from '../../contract/identity.ts';
import { sayApprovers } from '../../store/approver-lists.ts';
import type { Store } from '../../store/pool.ts';
import { listedApprovers } from './listed-approvers.ts';

interface Options {
  readonly store: Store;
  readonly authenticator: Authenticator;
  readonly config: ConfigSource;
}

export interface ApproverList {
  /** Before a decision that rests on it: whoever got in just now may not have been said yet. */
  say(): Promise<void>;
  keepSaying(): void;
  close(): Promise<void>;
}

const everyMs = 1_000;

/**
 * Tells the ledger who may approve by tokens.json and by a button, for as long as this process lives. The ledger believes no list that
 * is ten seconds old: what rests on one is worth nothing while no process of control says it.
 */
export function createApproverList({ store, authenticator, config }: Options): ApproverList {
  const controlId = randomBytes(16).toString('hex');
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  // One after the other, each as of when it is sent: one that was overtaken would take from somebody what they have since been given.
  const say = (): Promise<void> => {
    waiting += 1;
    const said = last.then(() => sayApprovers(store, controlId, listedApprovers(authenticator, config)));
    last = said
      .catch(() => undefined) // the store is away, and so is whatever would believe it
      .finally(() => {
        waiting -= 1;
      });
    return said;
  };
  const sayAgain = (): void => {
    if (waiting === 0) void say().catch(() => undefined);
  };
  return {
    say,
    keepSaying: () => {
      sayAgain();
      timer = setInterval(sayAgain, everyMs).unref();
    },
    close: async () => {
      clearInterval(timer);
      await last;
      await sayApprovers(store, controlId, undefined).catch(() => undefined); // then it grows old
    },
  };
}
