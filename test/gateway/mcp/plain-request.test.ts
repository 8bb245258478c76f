import { classifyInboundRequest, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrict } from '../../../src/gateway/json/parse-strict.ts';
import { isPlainRequest } from '../../../src/gateway/mcp/plain-request.ts';

const versions = [undefined, '2024-11-05', '2025-03-26', '2025-11-25', ' 2025-11-25', '2026-07-28', '2027-01-01', ''];
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: {} } };
const modern = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };

const odd: Readonly<Record<string, readonly unknown[]>> = {
  jsonrpc: ['1.0', 2, null, undefined],
  id: ['a', '', 0, -1, 1.5, null, true, [1], {}, undefined],
  method: ['tools/list', 'initialize', 'ping', '', 7, null, undefined],
  params: [
    {},
    { name: 'x' },
    { _meta: {} },
    { _meta: null },
    { _meta: { progressToken: 1 } },
    { _meta: { progressToken: {} } },
    { _meta: modern },
    [],
    null,
    'x',
    undefined,
  ],
  result: [{}, null],
  error: [{ code: 1, message: 'x' }, null],
  more: [1],
};
const changes = Object.entries(odd).flatMap(([name, values]) => values.map((value) => ({ [name]: value })));
/** A call with one or two odd things about it, or none. */
const bodies = fc
  .array(fc.constantFrom(...changes), { maxLength: 2 })
  .map((made): object => Object.assign({}, call, ...made) as object); // of objects alone

describe('what is read as a plain request of the older revisions', () => {
  it('is one to the library as well, whatever stands in it and beside it', () => {
    let plain = 0;
    const judge = (text: string, protocolVersion: string | undefined): void => {
      const parsed = parseStrict(Buffer.from(text));
      if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value))
        return;
      const body = parsed.value as Parameters<typeof isPlainRequest>[0]; // looked at just now
      if (!isPlainRequest(body, { protocolVersion, method: 'other', name: 'other' })) return;
      plain += 1;
      const beside = { mcpMethodHeader: 'other', mcpNameHeader: 'other' };
      const version = protocolVersion === undefined ? {} : { protocolVersionHeader: protocolVersion };
      expect(classifyInboundRequest({ httpMethod: 'POST', body, ...beside, ...version })).toMatchObject({
        kind: 'legacy',
        reason: 'no-claim',
      });
    };
    fc.assert(
      fc.property(bodies, fc.constantFrom(...versions), (body, version) => judge(JSON.stringify(body), version)),
      { numRuns: 3_000 },
    );
    expect(plain).toBeGreaterThan(20);
  });

  it.each(SUPPORTED_PROTOCOL_VERSIONS.filter((version) => version >= '2025'))(
    'is a call under %s',
    (protocolVersion) => {
      expect(isPlainRequest(call, { protocolVersion, method: undefined, name: undefined })).toBe(true);
    },
  );
});
