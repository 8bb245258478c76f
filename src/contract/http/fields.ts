/** The single fields of the API. Strict for callers: what is not exactly an id is refused with a sentence that says where. */
import { z } from 'zod';
import { type IdKind, isName, parseId } from '../../core/ids.ts';
import { parseScopeKey } from '../../core/scope-key.ts';
import { drilledConnector } from '../names.ts';
import { findUnprintable, nameCodePoint } from '../printable.ts';

const shorten = (text: string): string => (text.length <= 12 ? text : `${text.slice(0, 12)}..`);

/** Why a text is no name of ours. Never repeats a character that could act on a terminal or look like another. */
export function explainName(text: string): string | undefined {
  if (isName(text)) return undefined;
  if (text === '') return 'An id is not empty.';
  let at = 0;
  for (const character of text) {
    at += 1;
    if (/[a-z0-9-]/.test(character)) continue;
    const shown = /[\x21-\x7e]/.test(character)
      ? `"${character}" (${nameCodePoint(character)})`
      : nameCodePoint(character);
    return `Character ${at} is ${shown}; an id has only a-z, 0-9 and "-".`;
  }
  if (text.length > 63) return `An id has at most 63 characters; this one has ${text.length}.`;
  return 'An id begins and ends with a letter or a digit.';
}

function id(kind: IdKind, what: string) {
  const said = `${/^[aeiou]/.test(what) ? 'An' : 'A'} ${what} id`;
  return z
    .string()
    .max(64, `${said} has at most 64 characters.`)
    .refine((text) => parseId(text)?.kind === kind, `${said} looks like ${kind}_dev_ and 26 letters and digits.`);
}

export const TaskId = id('task', 'task').meta({
  description: 'Id of a task',
  example: 'task_dev_01h2xcejqtf2nbrexx3vqjhp41',
});
export const StopId = id('stop', 'stop').meta({
  description: 'Id of a stop',
  example: 'stop_dev_01h2xcejqtf2nbrexx3vqjhp41',
});
export const ApprovalId = id('appr', 'approval').meta({
  description: 'Id of an approval',
  example: 'appr_dev_01h2xcejqtf2nbrexx3vqjhp41',
});

export const AgentId = z
  .string()
  .max(256, 'An id has at most 63 characters.')
  .superRefine((text, context) => {
    const why = explainName(text);
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  })
  .meta({ description: 'Id of a registered agent', example: 'billing-bot' });

/** `drill/<connector>` stands where the agent of a drill would. */
export const AgentOrDrill = z
  .string()
  .max(256, 'An id has at most 63 characters.')
  .superRefine((text, context) => {
    const why = explainName(drilledConnector(text) ?? text);
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  })
  .meta({ description: 'Id of an agent, or `drill/` and the id of a connector', example: 'billing-bot' });

/** Obligations are named by their cause and their grant. */
export const ObligationId = z
  .string()
  .regex(
    /^(?:end:)?[a-z]+_[a-z0-9]+_[0-9a-z]{26}\/grant_[a-z0-9]+_[0-9a-z]{26}$/,
    'This is not the id of an obligation.',
  )
  .meta({ description: 'Id of an obligation: its cause, a slash, its grant' });

export const ScopeKeyText = z
  .string()
  .max(256, 'A scope key has at most 256 characters.')
  .superRefine((text, context) => {
    if (parseScopeKey(text) !== undefined) return;
    const odd = findUnprintable(text);
    const where =
      odd === undefined
        ? `"${shorten(text.replace(/[^\x20-\x7e]/g, '?'))}"`
        : `with ${odd.name} at character ${odd.at}`;
    context.addIssue({
      code: 'custom',
      message: `A scope is fleet, agent:A, task:T, tool:server/name, connector:C, model:M or label:name=value; not ${where}.`,
    });
  })
  .meta({ description: 'What a stop names', example: 'agent:billing-bot' });

function text(maximum: number, allowed: string) {
  return z
    .string()
    .max(maximum, `At most ${maximum} characters.`)
    .superRefine((value, context) => {
      const odd = findUnprintable(value, allowed);
      if (odd === undefined) return;
      context.addIssue({
        code: 'custom',
        message: `Character ${odd.at} is ${odd.name}, which a reader would not see.`,
      });
    });
}

/** One line that a person wrote for other people. */
export const OneLine = (maximum: number) => text(maximum, '').min(1, 'Say something here.');
/** Of what may be done without saying why, for whoever says it; it stands in the audit. */
export const MayGiveReason = z.strictObject({ reason: OneLine(2_000).optional() }).meta({ id: 'MayGiveReason' });
/**
 * Free text for a model: lines, tabs and the joiners and selectors that scripts and emoji need are content there; every
 * place that SHOWS it makes the invisible visible.
 */
export const FreeText = (maximum: number) =>
  text(maximum, '\n\r\t\u200c\u200d\ufe0e\ufe0f').min(1, 'Say something here.');

export const Instant = z.iso.datetime({ offset: true }).meta({ description: 'ISO 8601 instant' });

export type MayGiveReason = z.infer<typeof MayGiveReason>;
