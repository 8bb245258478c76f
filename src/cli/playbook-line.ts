import type { PlaybookChoice } from '../contract/http/playbooks.ts';
import { visible } from './visible.ts';

/** What a playbook makes of a stop, in one line. */
export function playbookLine(playbook: PlaybookChoice | null): string {
  if (playbook === null) return 'No playbook fits: every phase runs by itself.';
  const { playbookId, waits, notify } = playbook;
  return [
    `Playbook ${visible(playbookId)}:`,
    waits.length === 0 ? 'every phase runs by itself.' : `${waits.join(', ')} will wait for a person.`,
    ...(notify.length === 0 ? [] : [`It also tells ${notify.map(visible).join(', ')}.`]),
  ].join(' ');
}
