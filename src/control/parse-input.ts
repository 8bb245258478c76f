import type { z } from 'zod';
import { EstopError, type FieldError } from '../core/errors.ts';

/** One error with every fault in it, each with a pointer: RFC 6901 into a body, the name of a parameter otherwise. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  kind: 'body' | 'parameter',
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new EstopError('invalid-input', { fields: parsed.error.issues.flatMap((issue) => toFields(issue, kind)) });
}

function toFields(issue: z.core.$ZodIssue, kind: 'body' | 'parameter'): readonly FieldError[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      pointer: pointerTo([...issue.path, key], kind),
      message: 'There is no such field here.',
    }));
  return [{ pointer: pointerTo(issue.path, kind), message: sentence(issue) }];
}

/** Our own messages are sentences; the library's speak of types and end without a stop, where a caller thinks of fields. */
function sentence(issue: z.core.$ZodIssue): string {
  if (issue.message.endsWith('.')) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message.endsWith('received undefined')) return 'This field is needed.';
      return `This has to be ${named[issue.expected] ?? issue.expected}.`;
    case 'invalid_value':
      return `This has to be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}.`;
    default:
      return `${issue.message}.`;
  }
}

const named: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** Keys come from the caller: shortened, and printable by the JSON that carries them. */
function pointerTo(path: readonly PropertyKey[], kind: 'body' | 'parameter'): string {
  const steps = path.map((step) => String(step).slice(0, 64));
  if (kind === 'parameter') return steps.join('.');
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
