import type { ToolServerSpec } from '../../contract/config.ts';
import { approvalInput } from '../call/ask-by-url.ts';
import { readState, saidTo } from '../call/servers-state.ts';
import { callDigest, canonicalText } from '../json/canonical.ts';
import type { JsonObject } from '../json/parse-strict.ts';
import { type Check, denied, known } from '../passage.ts';
import { isRecord } from '../upstream/read-reply.ts';

/**
 * The arguments fit the pinned schema. They were read by the strict parser; here they get their one spelling, and from here on
 * only that: it is what is hashed, shown to people and sent.
 */
export const checkArguments: Check = (passage) => {
  const { asked, facts } = passage;
  if (asked.kind !== 'tool-call') return denied('internal');
  const { pin, server } = known(facts.tool);
  const fault = pin.faultIn(asked.arguments);
  if (fault !== undefined) return denied('invalid-arguments', fault.slice(0, 500));
  facts.canonicalArguments = canonicalText(asked.arguments);
  const given = inputsFor(asked.inputs);
  const inputs = given && readState(passage, saidTo(passage, pin.serverId, 'tools/call', pin.name), given);
  if (given !== undefined && inputs === undefined) return denied('invalid-arguments', noSuchState);
  if (inputs !== undefined) facts.inputs = { given: inputs, canonical: canonicalText(inputs) };
  const destination = destinationText(server.spec);
  const { canonicalArguments } = facts;
  facts.digest = callDigest(pin.scopeKey, pin.definitionHash, canonicalArguments, destination, facts.inputs?.canonical);
  return undefined;
};

const noSuchState = 'its server gave no such requestState for this call';

/** What answers our own question stays here: the call is the same as without it. */
function inputsFor(inputs: JsonObject | undefined): JsonObject | undefined {
  const answers = inputs?.['inputResponses'];
  return isRecord(answers) && Object.hasOwn(answers, approvalInput) ? undefined : inputs;
}

/** As configured. Not protected: a name that resolves to another address, and a secret that is replaced in its place. */
function destinationText({ url, process, credential, credentials, grant }: ToolServerSpec): string {
  return JSON.stringify([url ?? null, process ?? null, credential ?? null, credentials ?? null, grant ?? null]);
}
