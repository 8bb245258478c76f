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
  const say = (): Promise<void> => sayApprovers(store, controlId, listedApprovers(authenticator, config));
  let timer: NodeJS.Timeout | undefined;
  let saying: Promise<void> | undefined;
  const inTurn = (): void => {
    saying ??= say()
      .catch(() => undefined) // the store is away, and so is whatever would believe it
      .finally(() => {
        saying = undefined;
      });
  };
  return {
    say,
    keepSaying: () => {
      inTurn();
      timer = setInterval(inTurn, everyMs).unref();
    },
    close: async () => {
      clearInterval(timer);
      await saying;
      await sayApprovers(store, controlId, undefined).catch(() => undefined); // then it grows old
    },
  };
}
