import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { inWindow } from '../../activities/window.ts';
import type { EstopConfig } from '../../contract/config.ts';
import { agentTaskWorkflowId, signals } from '../../contract/names.ts';
import { endWant, type GrantWant, noteWantTold, untoldWants } from '../../store/grant-wants.ts';
import type { Store } from '../../store/pool.ts';
import type { Round } from './keep-going.ts';

/** Somebody waits for each of them, with a call in hand. */
const pauseMs = 100;
/** Where no grant that is configured is issued at its first use. */
const idleMs = 1_000;
const portion = 100;
const width = 16;
const signalMs = 3_000;

type Configured = Pick<EstopConfig, 'agents' | 'toolServers'>;

/** Tells tasks of grants that are wanted now. A task that was told twice issues one. */
export function wantRound(store: Store, agents: Client, config: () => Configured | undefined = () => undefined): Round {
  const tell = async (want: GrantWant): Promise<void> => {
    const handle = agents.workflow.getHandle(agentTaskWorkflowId(want.taskId));
    try {
      await agents.withDeadline(Date.now() + signalMs, () => handle.signal(signals.want, { name: want.name }));
    } catch (thrown) {
      if (!(thrown instanceof WorkflowNotFoundError)) throw thrown;
      return endWant(store, want, 'task-closed');
    }
    await noteWantTold(store, want);
  };
  return {
    name: 'wants',
    run: async () => {
      const wants = await untoldWants(store, portion);
      let failure: { readonly thrown: unknown } | undefined;
      await inWindow(wants, width, tell, (_, thrown) => void (failure = { thrown }));
      if (failure !== undefined) throw failure.thrown;
      if (wants.length === portion) return 0;
      return wants.length > 0 || mayBeWanted(config()) ? pauseMs : idleMs;
    },
  };
}

/** What is not known may be. */
const mayBeWanted = (config: Configured | undefined): boolean =>
  config === undefined ||
  config.agents.some(({ grants }) => grants.some(({ when }) => when === 'first-use')) ||
  config.toolServers.some(({ grant }) => grant !== undefined);
