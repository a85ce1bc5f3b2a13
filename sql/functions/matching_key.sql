-- matching_key(spelling): whom or what an address or a serial number stands for: trimmed and lower-cased.
-- White space is what Unicode calls so (all but U+0085); a capital sigma has one small one, and a dotted capital I
-- keeps its dot, as everywhere on the platform. Letters younger than the engine's Unicode stay as they are.
SELECT replace(
  lower(replace(regexp_replace(:spelling, '^[\s\x0B\p{Z}]+|[\s\x0B\p{Z}]+$', ''), 'İ', 'i̇')), 'ς', 'σ'
) AS matching_key
