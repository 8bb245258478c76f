/** What an output is taken apart into. A record is what stands together: one object, one row, one line. */
export interface Field {
  readonly key: string;
  readonly value: string;
}

export interface Rec {
  readonly fields: readonly Field[];
  /** The one that holds it as a part of itself, not as one of a list. */
  readonly within?: Rec;
}

export interface Structure {
  readonly records: readonly Rec[];
  /** What belongs to no field. */
  readonly prose: string;
  /** There is more of it than was taken apart: nothing is known of the whole, such as that a name stands in it once. */
  readonly cut?: boolean;
}
