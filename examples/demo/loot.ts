import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Cast } from './cast.ts';

export interface LootItem {
  readonly system: string;
  readonly secret: Readonly<Record<string, string | number | boolean | null>>;
}

const systemOfGrant: Readonly<Record<string, string>> = { database: 'postgres', queue: 'pg-boss', crm: 'oauth', 'wake-up': 'temporal' };
const handedOver = z.object({ secret: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])) });

/** Fetches a task's credentials as agent code does: with the task's token, at the gateway. */
export async function fetchLoot({ operator, installation }: Cast, taskId: string, names: readonly string[]): Promise<readonly LootItem[]> {
  const loot: LootItem[] = [];
  for (const name of names) loot.push({ system: systemOfGrant[name] ?? name, secret: await handOver(name) });
  return loot;

  async function handOver(name: string): Promise<LootItem['secret']> {
    let last = '';
    // A grant is issued a moment after its task has begun.
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const { token } = await operator.tasks.token(taskId);
      const response = await fetch(`${installation.profile.gatewayUrl}/grants/${name}`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
      if (response.ok) return handedOver.parse(await response.json()).secret;
      last = `HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`;
      await sleep(100);
    }
    throw new Error(`no ${name} credential for ${taskId}: ${last}`);
  }
}
