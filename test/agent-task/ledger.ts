import { randomBytes } from 'node:crypto';
import type { AgentSpec } from '../../src/contract/config.ts';
import { formatId } from '../../src/core/ids.ts';
import { registerAgents } from '../../src/store/agents.ts';
import { recordDrain } from '../../src/store/fence.ts';
import { beat } from '../../src/store/latch.ts';
import { openStore, type Store } from '../../src/store/pool.ts';
import { provisionStore } from '../../src/store/provision.ts';

export interface Ledger {
  readonly control: Store;
  readonly trusted: Store;
  readonly latch: Store;
  readonly revoker: Store;
  readonly superuser: Store;
  readonly gatewayUrl: string;
  readonly trustedUrl: string;
  readonly revokerUrl: string;
  readonly stopUrl: string;
  stop(): Promise<void>;
}

/**
 * A real store, and the two things other processes do for it: the beat of the stop process, without which no gateway keeps its
 * lease, and the record that the intake was drained (here it is empty, because nothing of this installation can order through it).
 */
export async function startLedger(url: string, agents: readonly AgentSpec[]): Promise<Ledger> {
  const database = new URL(url).pathname.slice(1);
  const urls = await provisionStore({ superuserUrl: url, database, environment: 'test' });
  const open = (url: string, max: number): Store => openStore({ url, applicationName: 'test', max });
  const stores = {
    control: open(urls.estop_control, 3),
    trusted: open(urls.estop_trusted, 4),
    latch: open(urls.estop_trusted, 2),
    stop: open(urls.estop_stop, 1),
    revoker: open(urls.estop_revoker, 1),
    superuser: open(url, 1),
  };
  await registerAgents(stores.control, agents);
  const drain = async (): Promise<void> => {
    const { rows } = await stores.revoker.query<{ now: string }>('SELECT clock_timestamp() AS now');
    await recordDrain(stores.revoker, rows[0]?.now ?? '');
  };
  await Promise.all([beat(stores.stop, 'test'), drain()]);
  const beating = setInterval(() => void Promise.allSettled([beat(stores.stop, 'test'), drain()]), 400);
  return {
    control: stores.control,
    trusted: stores.trusted,
    latch: stores.latch,
    revoker: stores.revoker,
    superuser: stores.superuser,
    gatewayUrl: urls.estop_gateway,
    trustedUrl: urls.estop_trusted,
    revokerUrl: urls.estop_revoker,
    stopUrl: urls.estop_stop,
    stop: async () => {
      clearInterval(beating);
      await Promise.all(Object.values(stores).map((store) => store.end()));
    },
  };
}

export const newTaskId = (): string => formatId('task', 'test', randomBytes(16));
