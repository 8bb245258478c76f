import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Task } from '../../src/contract/http/tasks.ts';
import type { Cast } from './cast.ts';

export interface LootItem {
  /** `<connector>/<agent>`, as the obligations name it. */
  readonly label: string;
  readonly system: string;
  readonly secret: Readonly<Record<string, string | number | boolean | null>>;
}

const systemOfGrant: Readonly<Record<string, string>> = {
  database: 'postgres',
  queue: 'pg-boss',
  crm: 'oauth',
  'wake-up': 'temporal',
};
const handedOver = z.object({
  connector: z.string(),
  secret: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

/** Fetches a task's credentials as agent code does: with the task's token, at the gateway. */
export async function fetchLoot(
  { operator, installation }: Cast,
  task: Pick<Task, 'taskId' | 'agentId'>,
  names: readonly string[],
): Promise<readonly LootItem[]> {
  const { taskId, agentId } = task;
  const loot: LootItem[] = [];
  for (const name of names) {
    const { connector, secret } = await handOver(name);
    loot.push({ label: `${connector}/${agentId}`, system: systemOfGrant[name] ?? name, secret });
  }
  return loot;

  async function handOver(name: string): Promise<z.output<typeof handedOver>> {
    let last = '';
    // A grant is issued a moment after its task has begun.
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const { token } = await operator.tasks.token(taskId);
      const response = await fetch(`${installation.profile.gatewayUrl}/grants/${name}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
      if (response.ok) return handedOver.parse(await response.json());
      last = `HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`;
      await sleep(100);
    }
    throw new Error(`no ${name} credential for ${taskId}: ${last}`);
  }
}
