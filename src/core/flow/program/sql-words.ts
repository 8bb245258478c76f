/** Words of SQL: those no plain look holds, those that may stand in front of a bracket, and functions that only compute. */
const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** In any dialect the beginning, or the heart, of something that does more than look; refused wherever it stands, also as a name. */
export const actingWords = words(`
  insert update delete merge upsert replace create alter drop truncate rename grant revoke deny copy unload export import install
  call do into outfile dumpfile execute exec prepare deallocate set reset lock unlock vacuum analyze analyse optimize repair reindex
  cluster refresh listen unlisten notify load attach detach pragma for begin commit rollback savepoint declare fetch open close handler
  procedure shutdown kill backup restore dbcc bulk waitfor reconfigure use checkpoint raiserror print goto go while return revert
  setuser writetext updatetext readtext dump discard reassign flush purge nextval recursive openquery openrowset opendatasource`);

/** Not functions, though a bracket comes behind them. */
export const beforeBracket = words(`
  select distinct on from join as in and or not where having when then else between like ilike any all some exists union except
  intersect limit offset using case over filter by group materialized`);

/** Those before a bracket that a database may also have as a function of its own, and what must stand before them for them to be none. */
export const onlyBehind: Readonly<Record<string, ReadonlySet<string>>> = {
  __proto__: null as never, // no function is called like what every object has
  by: words('group order partition'),
  group: words('within'),
  filter: words(')'),
  over: words(')'),
  materialized: words('as not'),
};

/** They compute from what they are given, or say what the catalogue says. Nothing that waits, makes rows or text without end, reads files, counts on. */
export const pureFunctions = words(`
  count sum avg min max total stddev stddev_pop stddev_samp variance var_pop var_samp bool_and bool_or every array_agg string_agg
  group_concat json_agg jsonb_agg json_object_agg jsonb_object_agg json_group_array json_group_object percentile_cont percentile_disc
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
  coalesce nullif ifnull isnull if iif greatest least cast convert typeof pg_typeof
  lower upper initcap length char_length character_length octet_length substr substring trim ltrim rtrim btrim left right concat
  concat_ws position strpos instr locate split_part ascii
  abs ceil ceiling floor round trunc mod power sqrt sign exp ln log
  now date_trunc date_part date_bin to_char to_date to_timestamp to_number extract age make_date date time datetime julianday unixepoch
  strftime date_format datediff date_add date_sub date_diff timestampdiff year month day hour minute second week weekday quarter
  dayofweek dayofmonth dayofyear dayname monthname curdate curtime unix_timestamp from_unixtime getdate
  json_extract json_extract_scalar json_value json_array_length jsonb_array_length json_typeof jsonb_typeof json_build_object
  jsonb_build_object array_length cardinality
  numeric decimal varchar char timestamp
  pg_size_pretty pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_database_size current_database
  current_schema version`);
