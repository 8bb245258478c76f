import { type Finding, finding } from './finding.ts';
import { judgeSkew } from './judge-diagnosis.ts';
import type { Knocked } from './knock.ts';

/** What one gateway says of itself, judged. Pure. */
export function judgeGateway(url: string, knocked: Knocked): readonly Finding[] {
  if (knocked.kind === 'away')
    return [finding('gateway', 'bad', `${url}: ${knocked.why}`, 'Agents behind it can call nothing.')];
  const { why, clockAheadMs } = knocked.body;
  const clock = typeof clockAheadMs === 'number' ? [judgeSkew('clock', 'the gateway and the store', clockAheadMs)] : [];
  if (knocked.status === 200)
    return [
      clock.some(({ health }) => health === 'bad')
        ? finding(
            'gateway',
            'weak',
            `${url}: ready, by a clock to which tokens may be of another time`,
            'It may refuse every call.',
          )
        : finding('gateway', 'ok', `${url}: admits calls`),
      ...clock,
    ];
  const says = `${url}: ${typeof why === 'string' ? why : `HTTP ${knocked.status}`}`;
  return [finding('gateway', 'bad', says, 'Agents behind it stand still; nothing gets through.'), ...clock];
}
