import { z } from 'zod';

export const maxPage = 200;
const defaultPage = 50;

/** Keyset paging: the cursor is opaque, and stays true while rows are added. */
export const PageQuery = z.strictObject({
  cursor: z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9_-]+$/, 'This is not a cursor that this API gave out.')
    .optional(),
  limit: z.coerce
    .number('A number is expected.')
    .int('A whole number is expected.')
    .min(1, 'At least 1.')
    .max(maxPage, `At most ${maxPage}.`)
    .default(defaultPage),
});

export const pageOf = <Item extends z.ZodType>(item: Item, id: string) =>
  z
    .object({
      items: z.array(item),
      next: z.string().nullable().meta({ description: 'Cursor of the next page; null on the last one' }),
    })
    .meta({ id });
