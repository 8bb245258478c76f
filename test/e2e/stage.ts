import { join } from 'node:path';
import { callTool } from '../../bench/call-tool.ts';
import { type Cast, castOf } from '../../examples/demo/cast.ts';
import { fetchLoot, type LootItem } from '../../examples/demo/loot.ts';
import { startWorld } from '../../examples/demo/world.ts';
import type { StopStage } from '../../src/contract/stop.ts';
import { type InstallationOptions, startInstallation } from '../../src/runtime/installation/installation.ts';
import type { Estop } from '../../src/sdk/estop.ts';
import { hasReached } from '../../src/sdk/stops.ts';
import { lookUntil } from '../kit/look-until.ts';
import { tempFolder } from '../kit/temp-folder.ts';

export const grantNames = ['database', 'queue', 'crm', 'wake-up'] as const;

/** The demo's systems and agents under a whole installation whose processes stay dead when a test kills them. */
export async function startStage(options: Partial<InstallationOptions> = {}): Promise<Cast> {
  const folder = tempFolder();
  const world = await startWorld(true, join(folder, 'world'));
  const installation = await startInstallation({
    stateFolder: join(folder, 'estop'),
    configPath: world.configPath,
    environment: 'dev',
    onServersUp: ({ temporalAddress }) => world.writeConfig(temporalAddress),
    env: world.secrets,
    restart: false,
    ...options,
  });
  return castOf(world, installation);
}

/** A task of billing-bot with every credential it is entitled to, and its child. */
export async function startArmedTask(cast: Cast): Promise<{
  readonly taskId: string;
  readonly childId: string;
  readonly loot: readonly LootItem[];
  readonly token: string;
}> {
  const task = await cast.service.tasks.start({ agentId: 'billing-bot', prompt: 'canary-prompt-8731' });
  const loot = await fetchLoot(cast, task, grantNames);
  const childId = await until('a running child', async () => {
    const { items } = await cast.service.tasks.list({ limit: 100 });
    return items.find((item) => item.parentTaskId === task.taskId && item.state === 'running')?.taskId;
  });
  await until("the child's credential", async () =>
    (await cast.service.tasks.history(childId)).entries.some((entry) => entry.kind === 'grant.issued'),
  );
  const { token } = await cast.operator.tasks.token(task.taskId);
  return { taskId: task.taskId, childId, loot, token };
}

export const until = <Value>(
  what: string,
  look: () => Promise<Value | undefined | false>,
  patienceMs = 60_000,
): Promise<Value> => lookUntil(look, { what, patienceMs, firstMs: 50, longestMs: 400 });

/** Control may be down for a while: a look that fails is a look that saw nothing. */
export async function untilReached(operator: Estop, stopId: string, stage: StopStage, deadlineMs = 90_000) {
  return until(
    `${stopId} to be ${stage}`,
    async () => {
      try {
        const view = await operator.stops.get(stopId);
        return hasReached(view, stage) ? view : undefined;
      } catch {
        return undefined;
      }
    },
    deadlineMs,
  );
}

export const listInvoices = (cast: Cast, token: string): Promise<boolean> =>
  callTool(cast.installation.profile.gatewayUrl, token, 'list_invoices', {});
