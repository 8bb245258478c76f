import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMcpLog } from '../../examples/demo/mcp-server.ts';
import type { Bed } from '../bed.ts';
import { type Figure, figure } from '../figure.ts';
import { startProgram } from '../program.ts';
import type { HammerOrder, HammerReport } from '../programs/hammer.ts';
import type { Row, RunOptions } from '../row.ts';

const clients = 64;
const goOnMs = 1_000;
const quickGoOnMs = 500;

interface Round {
  /** Arrived at the target since the stop was fenced, by the target's own log. */
  readonly after: number;
  readonly before: number;
}

/**
 * Sixty-four clients hammer the gateway and do not let up when the stop comes; what arrives is counted by the target itself, in its own
 * log, on the same machine and so by the same clock. In the last round the gateway is killed first: then `fenced` has to wait for
 * the end of its lease, and the one that takes its place must know of the stop. What the stop reports as possibly completed may
 * have arrived at any time; everything else that arrives after `fenced` is one too many.
 */
export const afterFenced: Row = {
  name: 'after-fenced',
  needs: 'bed',
  run: async (bed, options): Promise<readonly Figure[]> => {
    const rounds: Round[] = [];
    for (let i = 0; i < (options.quick ? 1 : 20); i += 1) rounds.push(await hammered(bed, options, false));
    rounds.push(await hammered(bed, options, true));
    const sum = (of: (round: Round) => number): number => rounds.reduce((total, round) => total + of(round), 0);
    return [
      figure({
        name: 'calls reaching a target after fenced',
        value: sum(({ after }) => after),
        unit: 'calls',
        rival: sum(({ before }) => before),
        rivalName: `those that arrived before, in ${rounds.length} stops, one with its gateway killed`,
        bar: '0',
        holds: (value) => value === 0,
      }),
    ];
  },
};

async function hammered(bed: Bed, { quick, say }: RunOptions, killGateway: boolean): Promise<Round> {
  const { profile, pidOf } = bed.installation;
  const { taskId } = await bed.service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
  const { token } = await bed.operator.tasks.token(taskId);
  const arrivals = () =>
    readMcpLog(join(bed.folder, 'mcp-calls.jsonl')).filter((l) => l.event === 'arrived' && l.taskId === taskId);
  const hammer = startProgram<HammerReport>('hammer', {
    gatewayUrl: profile.gatewayUrl,
    taskToken: token,
    clients,
  } satisfies HammerOrder);
  while (arrivals().length < 10 * clients) await sleep(50);
  const gatewayPid = pidOf('gateway');
  if (killGateway) process.kill(gatewayPid, 'SIGKILL');
  const { stopId } = await bed.operator.stops.stop({ task: taskId }, { reason: 'bench' });
  const view = await bed.operator.stops.wait(stopId, 'fenced', { timeoutMs: 30_000 });
  const fencedAt = Date.parse(view.stages.find(({ stage }) => stage === 'fenced')?.at ?? '');
  // The successor of a killed gateway has to be hammered as well.
  if (killGateway) await untilAnswers(profile.gatewayUrl);
  await sleep(quick ? quickGoOnMs : goOnMs);
  const report = await hammer.end();
  const { calls, possiblyCompleted } = await bed.operator.stops.get(stopId);
  if (calls === null) throw new Error(`which calls ${stopId} reports could not be read`);
  // Fewer than were counted can be a gateway that was taken for dead and has said since how its calls ended. More were counted by nobody.
  if (Number.isNaN(fencedAt) || calls.length > possiblyCompleted)
    throw new Error(`the report of ${stopId} names ${calls.length} calls and counts ${possiblyCompleted}`);
  const unknown = new Set(calls.map(({ callId }) => callId));
  const seen = arrivals();
  const late = seen.filter(({ at, callId }) => at > fencedAt && !unknown.has(callId));
  const how = view.gateways.map(({ outcome }) => outcome).join(', ');
  say(
    `fenced (${how}) after ${fencedAt - Date.parse(view.stages[0]?.at ?? '')} ms; ${seen.length} arrived, ${late.length} after that; possibly completed ${unknown.size}; the clients saw ${report.answered} answers, ${report.refused} refusals, ${report.broken} cuts`,
  );
  if (report.refused + late.length === 0) throw new Error('nothing was refused, so nothing was tried after the stop');
  return { after: late.length, before: seen.length - late.length };
}

async function untilAnswers(gatewayUrl: string): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 100) {
    const answer = await fetch(`${gatewayUrl}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  throw new Error('the gateway did not come back');
}
