import type { StopPreview } from '../contract/http/stops.ts';
import { visible } from './visible.ts';

/** What a stop would cover. "Unknown" is an answer, and holds up nothing. */
export function previewLine(preview: StopPreview): string {
  if (!preview.known) return `How much ${visible(preview.scopeKey)} covers could not be counted within two seconds.`;
  const examples = preview.examples.map((entry) => `${visible(entry.taskId)} (${visible(entry.agentId)})`);
  return [
    `It covers ${preview.tasks} open tasks of ${preview.agents} agents,`,
    `${preview.callsInFlight} calls in flight and ${preview.credentials} live credentials.`,
    ...(examples.length === 0 ? [] : [`For example ${examples.join(', ')}.`]),
  ].join(' ');
}
