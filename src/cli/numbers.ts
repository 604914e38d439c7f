/** Numbers for people: the same in every language of the machine. */

/** `1,234,567` */
export function grouped(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A number with `digits` decimals and grouped thousands. */
export function fixed(value: number, digits: number): string {
  const [whole, decimals] = value.toFixed(digits).split('.');
  const sign = whole.startsWith('-') ? '-' : '';
  const text = sign + grouped(Number(whole.slice(sign.length)));
  return decimals === undefined ? text : `${text}.${decimals}`;
}

/** `12.34 %` */
export function percent(share: number, digits = 1): string {
  return `${fixed(share * 100, digits)} %`;
}

/** A rate with a prefix that leaves one to three digits before the point: `2.20 M`, `34.5 k`. */
export function scaled(value: number): string {
  if (value >= 1e9) return `${fixed(value / 1e9, 2)} G`;
  if (value >= 1e6) return `${fixed(value / 1e6, 2)} M`;
  if (value >= 1e3) return `${fixed(value / 1e3, 1)} k`;
  return `${fixed(value, 0)} `;
}

/** `1 frame`, `2 frames` */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : nouns}`;
}
