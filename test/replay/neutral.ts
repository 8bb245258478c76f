/** Without what only says where it was recorded: the worker's process and host, and stack traces with their paths. */
export function neutral(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(neutral);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, neutralMember(key, member)]));
}

function neutralMember(key: string, member: unknown): unknown {
  if (key === 'identity') return 'recorded';
  if (key === 'stackTrace') return '';
  if (key === 'encodedAttributes' && isPayload(member)) return { ...member, data: withoutStack(member.data) };
  return neutral(member);
}

function isPayload(value: unknown): value is { readonly data: string } {
  return typeof value === 'object' && value !== null && 'data' in value && typeof value.data === 'string';
}

function withoutStack(data: string): string {
  const attributes: unknown = JSON.parse(Buffer.from(data, 'base64').toString('utf8'));
  if (typeof attributes !== 'object' || attributes === null) return data;
  return Buffer.from(JSON.stringify({ ...attributes, stack_trace: '' })).toString('base64');
}
