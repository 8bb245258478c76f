import { describe, expect, it } from 'vitest';
import { readVerdict } from './check-case.ts';

const pan = (...lines: readonly string[]): string => [...lines, '  157799 states, stored', ''].join('\n');

describe('what a verifier printed', () => {
  it('is a pass if it searched everything and found nothing', () => {
    expect(readVerdict(pan('State-vector 100 byte, depth reached 9, errors: 0'))).toEqual({
      got: 'pass',
      states: '157799',
      why: '',
    });
  });

  it('is a failure with its reason if there is a counterexample', () => {
    const verdict = readVerdict(
      pan('pan:1: assertion violated d (at depth 20)', 'State-vector 100 byte, depth reached 20, errors: 1'),
    );
    expect(verdict).toMatchObject({ got: 'fail', why: 'assertion violated d (at depth 20)' });
  });

  it.each([
    'pan: reached -DMEMLIM bound',
    'error: max search depth too small',
    'Warning: Search not completed',
    'pan: out of memory',
  ])('is neither if the search was cut off: %s', (line) => {
    expect(readVerdict(pan(line, 'State-vector 100 byte, depth reached 9, errors: 0')).got).toBe('cut-off');
  });

  it('is no result if the verifier was ended before it could say', () => {
    expect(readVerdict('').got).toBe('no-result');
  });

  it('is a failure even if the search was cut off after the counterexample', () => {
    expect(
      readVerdict(pan('Warning: Search not completed', 'pan:1: invalid end state (at depth 3)', 'errors: 1')).got,
    ).toBe('fail');
  });
});
