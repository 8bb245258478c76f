import { isControl, isInvisible } from '../../contract/printable.ts';

/** More than a person reads is more than a person can approve. */
const longestShown = 16_384;

/**
 * What the approver sees: the tool's scope, and the canonical argument bytes, one line for each argument, whole. Made by us
 * from the bytes that will be sent, never by the agent. Characters that hide or move are spelled out as the JSON escapes they
 * could have been, so that the text still means the same bytes. Undefined if it is too long to be reviewed.
 */
export function shownText(
  tool: { readonly serverId: string; readonly name: string },
  canonicalArguments: string,
  canonicalInputs?: string,
): string | undefined {
  // Spelled out it is never shorter: a megabyte is not spelled out to find that.
  if (canonicalArguments.length + (canonicalInputs?.length ?? 0) > longestShown) return undefined;
  const lines = (canonical: string): string => spellOut(JSON.stringify(JSON.parse(canonical), null, 2));
  const inputs = canonicalInputs === undefined ? '' : `\n${inputsTitle}\n${lines(canonicalInputs)}`;
  const text = `${tool.serverId}/${tool.name}\n${lines(canonicalArguments)}${inputs}`;
  return text.length > longestShown ? undefined : text;
}

const inputsTitle = "With these answers to the server's own questions, given by the agent's host:";

function spellOut(text: string): string {
  let shown = '';
  for (const character of text) {
    shown += character !== '\n' && (isControl(character) || isInvisible(character)) ? escapes(character) : character;
  }
  return shown;
}

function escapes(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}
