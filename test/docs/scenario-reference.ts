/** The parts of JSON Schema that a scenario's has. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** A table of an object's keys, as Markdown. */
export function keysTable(schema: Schema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const needed = schema.required?.includes(key) ? 'needed' : defaultOf(value);
    return `| \`${key}\` | ${valuesOf(value)} | ${needed} | ${meaningOf(value)} |`;
  });
  return `${['| key | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n')}\n`;
}

function valuesOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(valuesOf).join(', or ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  switch (schema.type) {
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
      return `${schema.minimum} to ${schema.maximum}, whole`;
    case 'number':
      return `${schema.minimum} to ${schema.maximum}`;
    case 'array':
      if (schema.items?.type === 'string') return 'list of names';
      return `list of ${schema.items?.properties === undefined ? 'numbers' : 'objects'}`;
    case 'object':
      return `{ ${Object.keys(schema.properties ?? {})
        .map((key) => `\`${key}\``)
        .join(', ')} }`;
  }
  if (schema.pattern === undefined) return 'text';
  return schema.pattern.includes('[:-]') ? 'MAC address' : 'name';
}

function defaultOf(schema: Schema): string {
  return schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
}

/** A union means what its parts mean. */
function meaningOf(schema: Schema): string {
  const parts = schema.anyOf ?? [schema];
  const texts = parts.map(({ description }) => description);
  return schema.description ?? (texts.includes(undefined) ? 'See below.' : texts.join(' '));
}
