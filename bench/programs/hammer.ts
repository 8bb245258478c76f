import { setTimeout as sleep } from 'node:timers/promises';
import { serveOrder } from '../program.ts';
import { keepAlive } from './keep-alive.ts';

export interface HammerOrder {
  readonly gatewayUrl: string;
  readonly taskToken: string;
  readonly clients: number;
}

export interface HammerReport {
  readonly answered: number;
  readonly refused: number;
  /** The connection was refused or cut. */
  readonly broken: number;
}

/** An agent that does not take no for an answer: each client calls again as soon as it can, before, during and after a stop. */
serveOrder<HammerOrder, HammerReport>(async ({ gatewayUrl, taskToken, clients }, ended) => {
  const ask = keepAlive(taskToken, clients);
  const counts = { answered: 0, refused: 0, broken: 0 };
  const hammer = async (): Promise<void> => {
    while (!ended.aborted) {
      try {
        const { status, text } = await ask('POST', `${gatewayUrl}/mcp`, {
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'billing__send_reminder', arguments: { invoice_id: 'INV-1' } },
        });
        if (status === 200 && !text.includes('"isError":true')) counts.answered += 1;
        else counts.refused += 1;
      } catch {
        counts.broken += 1;
        await sleep(5); // a port that nobody listens on answers at once
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, hammer));
  return counts;
});
