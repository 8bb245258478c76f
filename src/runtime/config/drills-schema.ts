import { z } from 'zod';
import type { ScheduledDrill } from '../../contract/config.ts';
import { unknownName } from './unknown-name.ts';

const shortestMs = 5 * 60_000;
const longestMs = 30 * 24 * 3_600_000;

/** `drills:`. Nothing is drilled by itself unless it is said here. */
export const drillsBlock = (duration: z.ZodType<number, string>) => {
  const every = z.union([
    z.literal('never'),
    duration.refine((ms) => ms >= shortestMs && ms <= longestMs, 'must be from 5m to 720h'),
  ]);
  return z
    .strictObject({
      every: every.default('never').describe('After how long each connector is tried again; never unless it is said.'),
      connectors: z
        .record(z.string(), z.strictObject({ every }))
        .default({})
        .describe('Connectors for which something else holds.'),
    })
    .optional()
    .describe('Connectors are tried by themselves: a credential that nobody uses is issued, cut off and proved dead.');
};

type Parsed = z.output<ReturnType<typeof drillsBlock>>;

export function drillsOf(
  written: Parsed,
  connectorIds: readonly string[],
  problems: { readonly path: readonly (string | number)[]; readonly message: string }[],
): { drills?: readonly ScheduledDrill[] } {
  if (written === undefined) return {};
  for (const connectorId of Object.keys(written.connectors))
    if (!connectorIds.includes(connectorId))
      problems.push({
        path: ['drills', 'connectors', connectorId],
        message: unknownName('connector', connectorId, 'connectors', connectorIds),
      });
  const drills = connectorIds.flatMap((connectorId): readonly ScheduledDrill[] => {
    const own = Object.hasOwn(written.connectors, connectorId) ? written.connectors[connectorId]?.every : undefined;
    const everyMs = own ?? written.every;
    return everyMs === 'never' ? [] : [{ connectorId, everyMs }];
  });
  return { drills };
}
