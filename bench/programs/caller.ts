import { performance } from 'node:perf_hooks';
import { serveOrder } from '../program.ts';
import { keepAlive } from './keep-alive.ts';

export interface CallerOrder {
  readonly url: string;
  readonly tool: string;
  /** One after the other, in turn; each with as many clients as any other. */
  readonly tokens: readonly string[];
  readonly clients: number;
  /** Whichever comes first. */
  readonly calls: number;
  readonly forMs: number;
}

export interface CallerReport {
  readonly answered: number;
  readonly refused: number;
  readonly perSecond: number;
  /** Milliseconds, of those answered. */
  readonly latencies: readonly number[];
}

const keptLatencies = 20_000;

/** A closed loop: each client calls again as soon as it has its answer. */
serveOrder<CallerOrder, CallerReport>(async ({ url, tool, tokens, clients, calls, forMs }, ended) => {
  const latencies: number[] = [];
  let [sent, answered, refused] = [0, 0, 0];
  const begun = performance.now();
  const client = async (index: number): Promise<void> => {
    const ask = keepAlive(tokens[index % tokens.length] ?? '', 1);
    while (!ended.aborted && sent < calls && performance.now() - begun < forMs) {
      sent += 1;
      const sentAt = performance.now();
      const { status, text } = await ask('POST', url, {
        jsonrpc: '2.0',
        id: sent,
        method: 'tools/call',
        params: { name: tool, arguments: { note: `n${sent % 1_000}` } },
      });
      if (status !== 200 || text.includes('"isError":true')) refused += 1;
      else {
        answered += 1;
        if (latencies.length < keptLatencies) latencies.push(performance.now() - sentAt);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  return { answered, refused, perSecond: answered / ((performance.now() - begun) / 1_000), latencies };
});
