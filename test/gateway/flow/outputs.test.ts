import { expect, it } from 'vitest';
import { outputsOf } from '../../../src/gateway/flow/outputs.ts';

const text = (said: string) => ({ type: 'text', text: said });

it('a structure that a text beside it spells is read once, in whatever spelling', () => {
  const structuredContent = { a: [1, 'x'] };
  const spelled = '{ "a": [1.0, "\\u0078"] }';
  expect(outputsOf({ content: [text('hello'), text(spelled)], structuredContent }).texts).toEqual(['hello', spelled]);
  const other = outputsOf({ content: [text('{"a":[1]}'), text('[')], structuredContent });
  expect(other.texts).toEqual(['{"a":[1]}', '[', '{"a":[1,"x"]}']);
});

it('a large structure beside many texts is spelled out once, and not for each of them', () => {
  let spelled = 0;
  const structuredContent = {
    toJSON: () => {
      spelled += 1;
      return { a: 1 };
    },
  };
  const content = Array.from({ length: 1_000 }, () => text('{}'));
  expect(outputsOf({ content, structuredContent }).texts.at(-1)).toContain('{"a":1}');
  expect(spelled).toBe(1);
});
