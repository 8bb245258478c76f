import { expect, it } from 'vitest';
import type { ToolServerSpec } from '../../src/contract/config.ts';
import type { ToolProfile } from '../../src/core/flow/tool/tool-profile.ts';
import { pinTool, seenTool, type ToolPin } from '../../src/gateway/upstream/tool-pin.ts';
import { profileOf } from '../../src/gateway/upstream/tool-pin-profile.ts';

/**
 * Each was broken once: the look of ours (tool-pin.ts), the order of who decides, `trusted` asked for before an annotation lowers,
 * Object.hasOwn (tool-pin-profile.ts), the recorded tier taken instead of today's proposal.
 */
type Definition = ToolPin['definition'];

const server: ToolServerSpec = { serverId: 'mail', url: 'http://127.0.0.1:1/mcp' };
const tool = (name: string, changes: Partial<Definition> = {}): ToolPin => {
  const made = pinTool('mail', {
    name,
    inputSchema: { type: 'object', properties: { to: { type: 'string' } } },
    ...changes,
  });
  if (!made.ok) throw new Error(made.why);
  return made.pin;
};
const profile = (pin: ToolPin, spec: Partial<ToolServerSpec> = {}): ToolProfile => {
  const { tier, labels, hash } = seenTool(pin);
  return profileOf(pin, { acceptedHash: hash, changed: false, tier, labels }, { ...server, ...spec });
};

it('a tool never seen gets a proposed tier, and what is not understood is destructive', () => {
  expect(profile(tool('list_messages')).tier).toBe('read');
  expect(profile(tool('send_message')).tier).toBe('destructive');
  expect(profile(tool('frobnicate')).tier).toBe('destructive');
});

it('what estop.yaml says of tier, labels and roles decides', () => {
  const review = {
    tiers: { send_message: 'read' as const },
    labels: { send_message: ['mine'] },
    roles: { send_message: { to: 'none' as const } },
  };
  expect(profile(tool('send_message'), review)).toMatchObject({
    tier: 'read',
    labels: ['mine'],
    arguments: [{ name: 'to' }],
  });
  expect(profile(tool('send_message'), review).arguments[0]?.role).toBeUndefined();
  expect(profile(tool('send_message')).arguments[0]?.role).toBe('party');
});

it('a server’s annotations may raise a tier, and lower one only where estop.yaml trusts the server', () => {
  const harmless = tool('send_message', { annotations: { readOnlyHint: true } });
  expect(profile(harmless).tier).toBe('destructive');
  expect(profile(harmless, { trusted: true }).tier).toBe('read');
  expect(profile(tool('send_message', { annotations: { destructiveHint: false } }), { trusted: true }).tier).toBe(
    'write',
  );
  expect(profile(tool('list_messages', { annotations: { destructiveHint: true } }), { trusted: true }).tier).toBe(
    'destructive',
  );
  expect(profile(tool('send_message'), { trusted: true }).tier).toBe('destructive');
});

it('what was recorded at first sight holds, also where the rule would say something else today', () => {
  const pin = tool('list_messages');
  const standing = { acceptedHash: pin.definitionHash, changed: false, labels: ['x'] };
  expect(profileOf(pin, { ...standing, tier: 'destructive' }, server)).toMatchObject({
    tier: 'destructive',
    labels: ['x'],
  });
  expect(profileOf(pin, { ...standing, tier: 'write' }, server).tier).toBe('write');
});

it('a review of another tool, or a name that objects have anyway, says nothing of this one', () => {
  expect(profile(tool('constructor'), { tiers: { other: 'read' }, trusted: true }).tier).toBe('destructive');
});

it('a server cannot bring labels of its own, nor a name that reads like ours', () => {
  const pin = tool('list_messages', { labels: [] } as Partial<Definition>); // not of the specification
  expect(profile(pin).labels).toContain('private');
  expect(pinTool('mail', { name: 'est0p__start_task', inputSchema: { type: 'object' } }).ok).toBe(false);
});

it('a tool is told from one of its name by its server and its definition', () => {
  const elsewhere = pinTool('post', { name: 'send_message', inputSchema: { type: 'object' } });
  const keys = [tool('send_message'), tool('send_message', { description: 'Sends.' }), tool('send')].map(
    (pin) => profile(pin).key,
  );
  if (!elsewhere.ok) throw new Error(elsewhere.why);
  expect(new Set([...keys, profile(elsewhere.pin).key]).size).toBe(4);
  expect(profile(tool('send_message')).key).toBe(keys[0]);
});
