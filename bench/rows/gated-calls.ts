import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../src/runtime/local/free-port.ts';
import { type Bed, endLoad } from '../bed.ts';
import { cpuLine, cpuSeconds } from '../cpu.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import { type Program, startProgram } from '../program.ts';
import type { CallerOrder, CallerReport } from '../programs/caller.ts';
import type { ProxyOrder } from '../programs/two-row-proxy.ts';
import type { Row, RunOptions } from '../row.ts';

/** As many as the gateway's own pool has, so that both wait for the same store in the same way. */
const connections = 24;
const clients = 32;

/**
 * What the gate costs, with every check on, beside a proxy that keeps two rows for each call and decides nothing. One call after
 * the other for the latency, a crowd for the throughput; in turn, so that a slow moment of the machine slows both.
 */
export const gatedCalls: Row = {
  name: 'gated-calls',
  needs: 'bed',
  run: async (bed, options): Promise<readonly Figure[]> => {
    const proxy = await startProxy(bed);
    const gateway = `${bed.installation.profile.gatewayUrl}/mcp`;
    const through = async (agents: readonly string[]): Promise<Road> => ({
      url: gateway,
      tool: 'light__look',
      tokens: await Promise.all(agents.map((agentId) => tokenFor(bed, agentId))),
    });
    const direct: Road = { url: bed.light.url, tool: 'look', tokens: ['none'] };
    const rival: Road = { url: proxy.url, tool: 'look', tokens: ['none'] };
    const [spread, hot] = await Promise.all([through(bed.spreadBots), through(bed.spreadBots.map(() => 'hot-bot'))]);
    const cpu = () => cpuSeconds(bed.installation, { proxy: proxy.program.pid, tools: bed.light.pid });
    try {
      const one = { clients: 1, calls: options.quick ? 300 : 1_500, forMs: 20_000 };
      const calm = await inTurn(
        { direct, proxy: rival, gate: spread },
        { ...one, calls: 150 },
        one,
        options.quick ? 1 : 3,
      );
      const before = cpu();
      const many = { clients, calls: 1_000_000, forMs: options.quick ? 1_200 : 6_000 };
      const crowd = await inTurn(
        { proxy: rival, gate: spread, hot },
        { ...many, forMs: 500 },
        many,
        options.quick ? 1 : 2,
      );
      options.say(cpuLine(before, cpu()));
      return [...latencyFigures(calm, options), ...throughputFigures(crowd)];
    } finally {
      await Promise.all([proxy.program.end(), endLoad(bed)]);
    }
  },
};

type Road = Pick<CallerOrder, 'url' | 'tool' | 'tokens'>;
type Pace = Pick<CallerOrder, 'clients' | 'calls' | 'forMs'>;
interface Measured {
  readonly latencies: number[];
  perSecond: number;
}

async function inTurn<Name extends string>(
  roads: Readonly<Record<Name, Road>>,
  warmUp: Pace,
  pace: Pace,
  rounds: number,
): Promise<Readonly<Record<Name, Measured>>> {
  const names = Object.keys(roads) as Name[]; // they have no others
  const measured = Object.fromEntries(
    names.map((name): [string, Measured] => [name, { latencies: [], perSecond: 0 }]),
  ) as Record<Name, Measured>; // one of each
  // The first round compiles code, opens sockets and fills caches.
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const report = await startProgram<CallerReport>('caller', {
        ...roads[name],
        ...(round === 0 ? warmUp : pace),
      } satisfies CallerOrder).report;
      if (report.refused > 0) throw new Error(`${report.refused} calls on the road "${name}" were refused`);
      if (round === 0) continue;
      measured[name].latencies.push(...report.latencies);
      measured[name].perSecond = Math.max(measured[name].perSecond, report.perSecond);
    }
  }
  return measured;
}

type Calm = Readonly<Record<'direct' | 'proxy' | 'gate', Measured>>;
type Crowd = Readonly<Record<'proxy' | 'gate' | 'hot', Measured>>;

function latencyFigures({ direct, proxy, gate }: Calm, { say }: RunOptions): readonly Figure[] {
  const p50 = ({ latencies }: { readonly latencies: readonly number[] }) => percentile(latencies, 50);
  say(
    `one client, p50/p99 ms: ${Object.entries({ direct, proxy, gate })
      .map(
        ([road, { latencies }]) => `${road} ${p50({ latencies }).toFixed(2)}/${percentile(latencies, 99).toFixed(2)}`,
      )
      .join(', ')}`,
  );
  const added = p50(gate) - p50(direct);
  return [
    figure({
      name: 'gated tool call, added p50',
      value: added,
      unit: 'ms',
      rival: p50(proxy) - p50(direct),
      rivalName: `what a bare proxy with two rows adds; a call past both takes ${p50(direct).toFixed(2)} ms`,
      bar: '<= 1.2 ms, 1.5x',
      holds: (value, ratio) => value <= 1.2 && ratio <= 1.5,
    }),
  ];
}

function throughputFigures({ proxy, gate, hot }: Crowd): readonly Figure[] {
  return [
    figure({
      name: `gated calls, ${clients} clients, agents spread`,
      value: gate.perSecond,
      unit: '/s',
      rival: proxy.perSecond,
      rivalName: 'the bare proxy with two rows',
      bar: '>= 0.5x, 1500/s',
      holds: (value, ratio) => ratio >= 0.5 && value >= 1_500,
    }),
    figure({
      name: `gated calls, ${clients} clients, one hot budget`,
      value: hot.perSecond,
      unit: '/s',
      rival: proxy.perSecond,
      rivalName: 'the bare proxy with two rows',
      bar: '>= 0.3x',
      holds: (_value, ratio) => ratio >= 0.3,
    }),
  ];
}

export async function tokenFor({ service, operator }: Bed, agentId: string): Promise<string> {
  const { taskId } = await service.tasks.start({ agentId, prompt: 'bench' });
  return (await operator.tasks.token(taskId)).token;
}

async function startProxy({ installation, light, postgres }: Bed): Promise<{ url: string; program: Program<object> }> {
  await postgres.query(
    'CREATE TABLE IF NOT EXISTS bench_calls (call_id uuid, event text, at timestamptz DEFAULT now())',
  );
  const [port = 0] = await freePorts([undefined]);
  const order: ProxyOrder = {
    port,
    upstreamUrl: light.url,
    postgresUrl: installation.postgres.url(`estop_${installation.profile.environment}`),
    connections,
  };
  const program = startProgram<object>('two-row-proxy', order);
  const url = `http://127.0.0.1:${port}/mcp`;
  await untilListens(url);
  return { url, program };
}

export async function untilListens(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (
      await fetch(url, { method: 'POST', body: '{}' }).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(50);
  }
  throw new Error(`nothing listens at ${url}`);
}
