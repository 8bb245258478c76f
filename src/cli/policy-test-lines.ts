import type { PolicyTest } from '../contract/http/policies.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible.ts';

interface Decided {
  readonly run: string;
  readonly decisions: readonly string[];
  readonly reasons: readonly string[];
}

export const policyTestLine = (terminal: Terminal, { run, decisions, reasons }: Decided): string =>
  terminal.format === 'text' ? `${visible(run)}  ${decisions.join(' ')}` : JSON.stringify({ run, decisions, reasons });

export const policyTestSum = ({ runs, allow, ask, deny }: PolicyTest['counts']): string =>
  `${runs} runs: ${allow} calls allowed, ${ask} asked, ${deny} denied`;
