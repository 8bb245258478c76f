import { type ExitCode, exitCodes } from '../exit-code.ts';

/**
 * `bad`: a stop or what follows it does not work as promised. `weak`: it does, with less behind it. `unknown`: whoever knows is
 * away. `note`: good to know.
 */
export type Health = 'ok' | 'note' | 'weak' | 'unknown' | 'bad';

export interface Finding {
  readonly part: string;
  readonly health: Health;
  readonly says: string;
  /** What that means for whoever has to stop something now. */
  readonly means?: string;
}

export const finding = (part: string, health: Health, says: string, means?: string): Finding =>
  means === undefined ? { part, health, says } : { part, health, says, means };

/** 0: all is well. 3: it works and is weaker than it should be, or not everything could be looked at. 1: something is broken. */
export function exitCodeOfFindings(findings: readonly Finding[]): ExitCode {
  if (findings.some(({ health }) => health === 'bad')) return exitCodes.error;
  return findings.some(({ health }) => health === 'weak' || health === 'unknown')
    ? exitCodes.partial
    : exitCodes.confirmed;
}
