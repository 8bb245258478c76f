import type { z } from 'zod';
import { didYouMean } from '../../core/nearest.ts';
import { keysAt } from './keys-at.ts';

export interface ConfigProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Issue = z.core.$ZodIssue;
type Path = readonly (string | number)[];

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a block of keys',
  record: 'a block of keys',
};

/**
 * What a schema found, each fault at its own place and with what would be right, in the words of whoever writes the file. Nothing of
 * what stands there is repeated: it may be a secret in the wrong place.
 */
export function problemsOf(issues: readonly Issue[], schema: z.ZodType, at: Path = []): readonly ConfigProblem[] {
  return problemsIn(issues, schema, []).map(({ path, message }) => ({ path: [...at, ...path], message }));
}

function problemsIn(issues: readonly Issue[], schema: z.ZodType, at: Path): readonly ConfigProblem[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `has no such key: ${key}${didYouMean(key, keysAt(schema, path)) || '; remove it or correct its spelling'}`,
      }));
    if (issue.code === 'invalid_union' && issue.message === 'Invalid input')
      return problemsOfUnion(issue.errors, schema, path);
    return [{ path, message: sentenceOf(issue) }];
  });
}

/** Of the one form that was meant, as far as that can be seen: the one with the fewest faults. */
function problemsOfUnion(forms: readonly (readonly Issue[])[], schema: z.ZodType, at: Path): readonly ConfigProblem[] {
  const fewest = Math.min(...forms.map((issues) => issues.length));
  const likely = forms.filter((issues) => issues.length === fewest).map((issues) => problemsIn(issues, schema, at));
  const [first = []] = likely;
  if (likely.length < 2 || likely.some((form) => form[0]?.path.length !== at.length)) return first;
  const ways = new Set(likely.flatMap((form) => form.map(({ message }) => message)));
  return [{ path: at, message: [...ways].join(', or ') }];
}

function sentenceOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type': {
      if (!issue.message.startsWith('Invalid input')) return issue.message;
      const wanted = kinds[issue.expected] ?? issue.expected;
      return issue.message.endsWith('received undefined') ? `is missing: add it, as ${wanted}` : `must be ${wanted}`;
    }
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`;
    case 'too_small':
      return `must ${boundOf(issue.origin)} at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must ${boundOf(issue.origin)} at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_key':
      return `is no name that may stand here: ${issue.issues.map((one) => sentenceOf(one)).join('; ')}`;
    case 'invalid_format':
      return issue.format === 'url' ? 'must be an address, such as https://example.com/mcp' : issue.message;
    default:
      return issue.message;
  }
}

const isCounted = (origin: string): boolean => origin === 'string' || origin === 'array';
const boundOf = (origin: string): string => (isCounted(origin) ? 'have' : 'be');
const unitOf = (origin: string): string => (origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '');
