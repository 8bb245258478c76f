import { expect, it } from 'vitest';
import { foreign } from '../../src/control/console/markup.ts';

it('only a word that is long by itself may break, however long the sentence is that it stands in', async () => {
  const said = async (text: string): Promise<string> => String(await foreign(text));
  expect(await said('refund_payment and read_invoice stand in a sentence')).not.toContain('<wbr>');
  expect(await said('billing/refund_payment')).toBe('<bdi>billing/<wbr>refund_<wbr>payment</bdi>');
  expect(await said('a of customer__records.list_all b')).toBe(
    '<bdi>a of customer__<wbr>records.<wbr>list_<wbr>all b</bdi>',
  );
});
