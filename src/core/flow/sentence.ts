/**
 * One sentence for the person who is asked. Values are shown short, on one line and between quotation marks that they cannot
 * close; the surface that prints them escapes them.
 */
import type { Origin, Rule } from './facts.ts';

interface Said {
  readonly tool: string;
  readonly value: string;
  readonly origin: Origin;
  readonly call: number;
}

export function sentenceOf(rule: Rule, said: Said): string {
  const value = shown(said.value);
  switch (rule) {
    case 'R1':
      return `Sends to ${value}, which you did not mention; ${whence(said)}.`;
    case 'R2':
      return `Contacts ${value}, on a site which neither you nor a person whom you named gave.`;
    case 'R3':
      return `Deletes or changes ${value}, which you did not name.`;
    case 'R4':
      return `Uses or tells a password, key or personal number that you did not give; ${whence(said)}.`;
    case 'R5':
      return `Acts on item ${value}, found only through the text of others.`;
    case 'R6':
      return `You did not ask for anything like ${value}.`;
    case 'R7':
      return said.origin === 'nowhere'
        ? `The text ${value} has nothing to do with what you asked for.`
        : `The text ${value} was copied from what others wrote${said.call > 0 ? `, in the output of call ${said.call}` : ''}.`;
  }
}

function whence({ origin, call }: Said): string {
  if (call > 0) return `it first appears in the output of call ${call}`;
  return origin === 'nowhere' ? 'it appears nowhere in this task' : 'it comes from the text of others';
}

const shown = (value: string): string => {
  const line = value.replaceAll(/[\s\p{C}]+/gu, ' ').trim();
  const short = line.length > 80 ? `${line.slice(0, 79)}…` : line;
  return `"${short.replaceAll(/["\\]/g, '\\$&')}"`;
};
