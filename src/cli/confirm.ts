import type { Terminal } from './terminal.ts';

/** One key and Enter. Anything but a yes is a no. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const answer = await terminal.ask(`${question} [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

/** For what un-does protection: the name must be typed. */
export async function confirmByName(terminal: Terminal, question: string, name: string): Promise<boolean> {
  const answer = await terminal.ask(`${question}\nType ${name} to go on: `);
  return answer.trim() === name;
}
