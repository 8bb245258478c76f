import { quoteForShell } from './quote-for-shell.ts';

/** The line that an operator can paste when nothing answers. The stop id goes along: if the first try did arrive, it is the same stop. */
export function directCommand(order: {
  readonly scopeWords: readonly string[];
  readonly stopId: string;
  readonly category: number;
  readonly graceMs: number | undefined;
  readonly reason: string;
}): string {
  const words = ['estop', 'stop', ...order.scopeWords, '--direct', '--stop-id', order.stopId, '--yes'];
  if (order.category !== 0) words.push('--category', String(order.category));
  if (order.graceMs !== undefined) words.push('--grace', `${order.graceMs}ms`);
  if (order.reason !== '') words.push('--reason', order.reason);
  return words.map(quoteForShell).join(' ');
}
