import type { ServerResponse } from 'node:http';
import { retrySoonMs, sendProblem } from '../http/reply.ts';
import type { Answer, Denial, UpstreamRefusal } from '../passage.ts';
import { isRecord } from '../upstream/read-reply.ts';
import { denialResult, pageQuestion, tell } from './denial-result.ts';
import type { InboundRequest } from './inbound.ts';
import { joinName } from './names.ts';
import type { ReplyChannel } from './reply-channel.ts';
import { inLegacyEra, inModernEra } from './server-card.ts';

interface ReplyParts {
  readonly channel: ReplyChannel;
  readonly response: ServerResponse;
  readonly inbound: InboundRequest;
  readonly requestId: string;
  readonly endpoint: string | undefined;
}

/** A denial of what is no tool call; the code that authorisation profiles of MCP use. */
const deniedCode = -32_001;

/** What the gate decided, in the words of the revision in which it was asked. */
export class McpReply {
  readonly #parts: ReplyParts;

  constructor(parts: ReplyParts) {
    this.#parts = parts;
  }

  result(result: Answer): void {
    const { channel, inbound, endpoint } = this.#parts;
    const { era, method, id } = inbound;
    const seen = method === 'tools/list' && endpoint !== undefined ? ownTools(result, endpoint) : result;
    channel.answer(200, {
      jsonrpc: '2.0',
      id,
      result: era === 'modern' ? inModernEra(method, seen) : inLegacyEra(seen),
    });
  }

  /** An upstream's own refusal, with its code, and in the newest revision with the status that goes with it. */
  refusal({ code, message, data, status }: UpstreamRefusal): void {
    const { inbound } = this.#parts;
    const own = inbound.era === 'modern' && status >= 400 && status < 500 ? status : 200;
    this.#error(own, { code, message: message.slice(0, 4_000), ...(data === undefined ? {} : { data }) });
  }

  denial(denial: Denial): void {
    const { channel, response, inbound, requestId } = this.#parts;
    if (denial.kind === 'unauthenticated' || denial.kind === 'unavailable') {
      if (channel.isStream) return this.#error(200, { code: -32_603, message: 'The gate cannot decide now.' });
      return sendProblem(
        response,
        denial.code,
        requestId,
        denial.kind === 'unavailable' ? { retryAfterMs: retrySoonMs } : {},
      );
    }
    if (denial.kind === 'not-served')
      return this.#error(inbound.era === 'modern' ? 404 : 200, {
        code: -32_601,
        message: 'This method is not served here.',
      });
    const { text, meta } = tell(denial);
    // On the endpoint of one server what is no tool of it is told as the protocol tells it.
    const isUnknown = denial.kind === 'denied' && denial.reason === 'tool-not-available';
    if (isUnknown && this.#parts.endpoint !== undefined)
      return this.#error(200, { code: -32_602, message: text, data: meta });
    const question = pageQuestion(denial);
    if (question !== undefined) channel.relay(question);
    if (inbound.asked.kind === 'tool-call') return this.result(denialResult(denial));
    this.#error(200, { code: deniedCode, message: text, data: meta });
  }

  #error(status: number, error: object): void {
    const { channel, inbound } = this.#parts;
    channel.answer(status, { jsonrpc: '2.0', id: inbound.id, error });
  }
}

/** On the endpoint of one server its tools bear their own names. */
function ownTools(result: Answer, endpoint: string): Answer {
  const prefix = joinName(endpoint, '');
  const tools: readonly unknown[] = Array.isArray(result['tools']) ? result['tools'] : [];
  return {
    ...result,
    tools: tools.flatMap((tool) =>
      isRecord(tool) && typeof tool['name'] === 'string' && tool['name'].startsWith(prefix)
        ? [{ ...tool, name: tool['name'].slice(prefix.length) }]
        : [],
    ),
  };
}
