import { endLoad } from '../bed.ts';
import { type Figure, figure } from '../figure.ts';
import { memoryOf, withDescendants } from '../process-memory.ts';
import { startProgram } from '../program.ts';
import type { CallerOrder, CallerReport } from '../programs/caller.ts';
import type { Row } from '../row.ts';
import { tokenFor } from './gated-calls.ts';

const clients = 32;

/** The gateway's own process after so many calls, beside what it was after the first twentieth of them. */
export const gateMemory: Row = {
  name: 'gate-memory',
  needs: 'bed',
  run: async (bed, { quick, say }): Promise<readonly Figure[]> => {
    const count = quick ? 2_000 : 200_000;
    const gateway = bed.installation.pidOf('gateway');
    const tokens = await Promise.all(bed.spreadBots.map((agentId) => tokenFor(bed, agentId)));
    const make = async (calls: number): Promise<number> => {
      const order: CallerOrder = {
        url: `${bed.installation.profile.gatewayUrl}/mcp`,
        tool: 'light__look',
        tokens,
        clients,
        calls,
        forMs: 600_000,
      };
      const { answered, refused, perSecond } = await startProgram<CallerReport>('caller', order).report;
      if (refused > 0 || answered < calls) throw new Error(`of ${calls} calls ${answered} were answered`);
      const megabytes = memoryOf(withDescendants(gateway));
      say(`${answered} calls at ${perSecond.toFixed(0)}/s; then ${megabytes.toFixed(0)} MB`);
      return megabytes;
    };
    const early = await make(count / 20);
    const late = await make(count - count / 20);
    await endLoad(bed);
    return [
      figure({
        name: `gateway after ${count} calls`,
        value: late,
        unit: 'MB',
        rival: early,
        rivalName: `after ${count / 20}`,
        bar: '<= 200 MB',
        holds: (value) => value <= 200,
      }),
    ];
  },
};
