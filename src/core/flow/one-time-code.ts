/**
 * A one-time code completes what was begun. Begun by this task, or asked for: a code that came in while mails were read may complete what
 * somebody else has begun elsewhere (a new device, a payment, the end of an account).
 */
import type { FlowCall } from './call.ts';
import type { KeyedHash } from './keyed-hash.ts';
import type { Family } from './language/words.ts';
import type { TaskFlow } from './task-flow.ts';

const begunKey = (hash: KeyedHash): string => hash('d:begun');
/** What nobody is sent a code for. */
const withoutCode: ReadonlySet<Family> = new Set<Family>(['message', 'save', 'book', 'move', 'publish']);
const asksForCode =
  /\b(?:log|sign)(?:ging|ing)? (?:(?:me|us|him|her) )?(?:in|up|on)\b|\blog ?-?ins?\b|\b(?:verif(?:y|ication)|authenticat\p{L}*|otp|totp|2fa|mfa|regist(?:er|ration)|enrol\p{L}*|activat\p{L}*|two-factor)\b|\b(?:one-time|security|sms|verification|confirmation|access|mailed) (?:code|password|pin)\b|\bconfirm\b[^.!?\n]{0,40}\b(?:e-?mail|phone|number|address|account|identity|device|payment|transfer|code)\b|\b(?:anmeld|einlogg|registrier|verifizier|bestätigungscode)\p{L}*|\bmeld\p{L}*\b[^.!?\n]{0,40}\ban\b/iu;

/** What a task remembers of its request. */
export const awaitsCode = (hash: KeyedHash, request: string): readonly string[] =>
  asksForCode.test(request) ? [begunKey(hash)] : [];

/** What a task remembers of a call that may end in a code. */
export const begins = (flow: TaskFlow, { profile }: FlowCall): readonly string[] =>
  (profile.tier === 'write' || profile.tier === 'destructive') &&
  (profile.families.length === 0 || profile.families.some((family) => !withoutCode.has(family)))
    ? [begunKey(flow.hash)]
    : [];

export const isAwaited = ({ verbs, hash }: TaskFlow): boolean => verbs.has(begunKey(hash));
