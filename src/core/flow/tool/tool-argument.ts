/** The role of an argument, from its name, description and format. Without a schema the names in the call itself are judged. */
import type { Role, Tier } from '../facts.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import type { ToolDefinition } from './tool-definition.ts';

export interface ToolArgument {
  readonly name: string;
  readonly role: Role | undefined;
  readonly required: boolean;
  /** What is used when the agent leaves it out. */
  readonly fallback: string | undefined;
}

interface Property {
  readonly name: string;
  readonly description: string;
  readonly format: string;
  readonly textual: boolean;
  readonly fallback: string | undefined;
}

const stems = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).map(stem));

const secretNames = stems(
  'password passwd passphrase passcode secret token credential credentials pin cvv cvc pwd apikey',
);
const notSecret = stems('page next continuation cursor max count limit sync');
const urlNames = stems('url uri link href endpoint webhook website site domain host hostname origin');
const pathNames = stems('path paths file files filename filepath dir directory folder filenames');
const partyNames = stems(`recipient recipients to cc bcc participant participants attendee attendees email emails payee
  beneficiary user users username member members invitee invitees assignee assignees collaborator collaborators reviewer
  reviewers receiver wallet iban account contact contacts channel phone guest guests owner mention mentions
  subscriber subscribers address addresses handle person people customer with`);
const refNames = stems('id ids uuid guid ref reference identifier number sha hash sku');
const whereabouts = /\b(?:street|postal|physical|home|shipping|billing|delivery|mailing)\b/i;
/** Written freely, or a quantity: what is said, how much and when is not checked. */
const unchecked =
  stems(`body content message text description comment note notes amount price quantity count total date day time
  start end from until query filter limit offset page size format type kind mode status state language currency priority
  color otp code reason details summary instructions prompt html markdown min max rating year month duration timezone
  method operation action op subcommand headers data payload sql script command code value values year`);
const bodies: ReadonlySet<string> = new Set(['body', 'content', 'message', 'text', 'html']);
/** What is paid is checked by whom it goes to; what is written on it is as free as a letter. */
const isAmount = /^(?:amount|sum)(?:_|$)/i;
const isMemo = /^(?:subject|purpose|title|memo|label|remittance_?info)$/i;
const titles = stems('title subject name label topic heading headline tag theme caption');

const alters = stems('update modify edit change patch set turn adjust toggle');

export function argumentsOf(tool: ToolDefinition, tier: Tier): readonly ToolArgument[] {
  const { properties, required } = schemaOf(tool.inputSchema);
  const takesSecret = properties.some((property) => isSecret(wordsOfName(property.name)));
  // A tool that names none leaves it to the caller what a call is made of; what alters something names no more than what it alters.
  const noneNamed = required.size === 0 && !wordsOfName(tool.name).some((word) => alters.has(stem(word)));
  const ofRepository = properties.some(({ name }) => /^repo(?:sitory)?(?:_?name)?$/i.test(name));
  const found = properties.map((property) => ({
    name: property.name,
    role: roleIn(tool, property, roleOf(property, tier, takesSecret), ofRepository),
    required: noneNamed || required.has(property.name),
    fallback: property.fallback,
  }));
  // The subject of a message is as free as its body; whom it goes to is what is checked.
  const isMessage =
    found.some(({ role, required: must }) => role === 'party' && must) &&
    found.some(({ name, required: must }) => must && bodies.has(name));
  const isPayment =
    found.some(({ role, required: must }) => role === 'party' && must) &&
    found.some(({ name, required: must }) => must && isAmount.test(name));
  const isFree = ({ role, name }: ToolArgument): boolean =>
    role === 'text' && (isMessage || (isPayment && isMemo.test(name)));
  return found.map((argument) => (isFree(argument) ? { ...argument, role: undefined } : argument));
}

function roleIn(
  tool: ToolDefinition,
  property: Property,
  role: Role | undefined,
  ofRepository: boolean,
): Role | undefined {
  if (ofRepository && isOwnerOfIt(tool, property)) return 'ref';
  return role === 'path' && isPlaceOfWork(tool, property) && !mayBeLetOut(tool, property) ? 'ref' : role;
}

export const isPlaceName = (name: string): boolean =>
  /^(?:repo|repository|project|working|work|current|workspace|local) ?(?:path|dir|directory|folder|root)$|^(?:cwd|workdir)$/.test(
    wordsOfName(name).join(' '),
  );
/** Where a tool works, and not what it takes away there, nor what it leaves there. */
const isPlaceOfWork = (tool: ToolDefinition, { name }: Property): boolean =>
  isPlaceName(name) && !takesAway.test(`${wordsOfName(tool.name).join(' ')} ${(tool.description ?? '').slice(0, 300)}`);
const takesAway =
  /\b(?:delet|remov|eras|wip|clean|purg|discard|destroy|trash|unlink|mov|renam|overwrit|replac|restor|revert|reset|clear|empt|prun|drop|uninstall|chmod|chown|rm|mv|upload|shar|publish|send|deploy|sync|export|mirror|transfer|backup|encrypt|truncat|shred|format|extract|unpack|unzip|unarchiv|archiv|zip|compress|scaffold|cop(?:y|ies)|download|squash|amend)/i;

/** What is only called local may as well be a file that is let out; of sources it is where they lie. */
const mayBeLetOut = (tool: ToolDefinition, { name }: Property): boolean =>
  /^local/i.test(name) &&
  !ofSources.test(`${wordsOfName(tool.name).join(' ')} ${(tool.description ?? '').slice(0, 300)}`);
const ofSources = /\b(?:git|repos?|repositor(?:y|ies))\b/i;

/** Whose it is, and not whose it is to be. */
const isOwnerOfIt = (tool: ToolDefinition, { name, description }: Property): boolean =>
  name === 'owner' &&
  !/transfer|invit|assign|grant|share|give|owner|promot|collab|member|access/i.test(tool.name) &&
  !/\b(?:new|next|invit\w*|assign\w*|transfer\w*|give\w*|becomes?|receiv\w*)\b/i.test(description);

/** For what no schema describes: a nested key, or an argument that the tool does not declare. */
export function roleOfName(name: string, tier: Tier): Role | undefined {
  const role = roleOf({ name, description: '', format: '', textual: true, fallback: undefined }, tier, false);
  return role === 'text' ? undefined : role;
}

function isSecret(words: readonly string[]): boolean {
  const folded = words.map(stem);
  if (folded.some((word) => notSecret.has(word))) return false;
  return folded.some((word) => secretNames.has(word)) || /api ?key|private ?key|access ?key/.test(words.join(' '));
}

function roleOf(property: Property, tier: Tier, takesSecret: boolean): Role | undefined {
  const words = wordsOfName(property.name);
  const folded = words.map(stem);
  const last = folded.at(-1) ?? '';
  const { description, format } = property;
  // "assignment" folds to the same as whoever it is assigned to.
  if (/^assignments?$/.test(words.at(-1) ?? '')) return 'ref';
  if (!property.textual) return refNames.has(last) && folded.length > 0 && last === 'id' ? 'ref' : undefined;
  if (isSecret(words)) return 'secret';
  if (
    format === 'uri' ||
    format === 'url' ||
    urlNames.has(last) ||
    (urlNames.has(folded[0] ?? '') && folded.length === 1)
  )
    return 'url';
  if (/^(?:the |a |an )?(?:full |target |web )?(?:url|link|web address)\b/i.test(description)) return 'url';
  // A path matters where what stands there is changed, moved or removed; a copy or a new file harms nothing that was there.
  if (pathNames.has(last)) return tier === 'destructive' ? 'path' : undefined;
  // One who logs in names himself: an identity to be found in a record, not somebody to be reached.
  if (takesSecret && folded.some((word) => partyNames.has(word))) return 'ref';
  if (refNames.has(last) && !partyNames.has(folded[0] ?? '')) return refOrParty(description);
  if (last === 'id' || last === stem('ids')) return 'ref';
  if (format === 'email') return 'party';
  if (
    partyNames.has(last) ||
    (folded.length > 1 && partyNames.has(folded[0] ?? '') && !titles.has(last) && !unchecked.has(last))
  ) {
    return whereabouts.test(description) || whereabouts.test(words.join(' ')) ? undefined : 'party';
  }
  if (
    /\b(?:iban|e-?mail address|wallet address|account number|phone number|recipient)\b/i.test(description) &&
    !unchecked.has(last)
  ) {
    return 'party';
  }
  if (isOfEdit(words) || (folded.some((word) => unchecked.has(word)) && !titles.has(last))) return undefined;
  return 'text';
}

/** What stands in a file before, and after, it is edited: as free as a body. */
const isOfEdit = (words: readonly string[]): boolean =>
  /^(?:old|new|original) ?(?:str|string|source|snippet|lines?)$/.test(words.join(' '));

const refOrParty = (description: string): Role =>
  /\b(?:iban|recipient|payee|phone|beneficiary)\b/i.test(description) ? 'party' : 'ref';

const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}; // any object can be read by key

function schemaOf(schema: unknown): {
  readonly properties: readonly Property[];
  readonly required: ReadonlySet<string>;
} {
  const { properties, required } = asRecord(schema) as { properties?: unknown; required?: unknown }; // both are checked below
  const names = Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string') : [];
  return {
    required: new Set(names),
    properties: Object.entries(asRecord(properties)).map(([name, value]) => {
      const property = asRecord(value);
      const { description, format } = property as { description?: unknown; format?: unknown }; // both are checked below
      const fallback = property['default'];
      return {
        name,
        description: typeof description === 'string' ? description : '',
        format: typeof format === 'string' ? format : '',
        textual: mayBeText(property, 0),
        fallback: typeof fallback === 'string' ? fallback : undefined,
      };
    }),
  };
}

function mayBeText(property: Readonly<Record<string, unknown>>, depth: number): boolean {
  const type = property['type'];
  const types = Array.isArray(type) ? type : [type];
  if (property['enum'] !== undefined) return false;
  if (types.includes('string') || types.includes('object')) return true;
  if (types.includes('array')) return depth > 4 || mayBeText(asRecord(property['items']), depth + 1);
  const branches = [property['anyOf'], property['oneOf'], property['allOf']].filter(Array.isArray).flat();
  if (branches.length > 0) return depth > 4 || branches.some((branch) => mayBeText(asRecord(branch), depth + 1));
  return type === undefined;
}
