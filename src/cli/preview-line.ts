import type { StopPreview } from '../contract/http/stops.ts';
import { visible } from './visible.ts';

/** What a stop would cover. "Unknown" is an answer, and holds up nothing. */
export function previewLine(preview: StopPreview): string {
  if (!preview.known) return `How much ${visible(preview.scopeKey)} covers could not be counted within two seconds.`;
  if (preview.scopeKnown === false) return 'Nobody and nothing here ever went by this name.';
  const examples = preview.examples.map((entry) => `${visible(entry.taskId)} (${visible(entry.agentId)})`);
  return [
    `It covers ${count(preview.tasks, 'open task')} of ${count(preview.agents, 'agent')},`,
    `${count(preview.callsInFlight, 'call')} in flight and ${count(preview.credentials, 'live credential')}.`,
    ...(examples.length === 0 ? [] : [`For example ${examples.join(', ')}.`]),
  ].join(' ');
}

const count = (number: number | null, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
