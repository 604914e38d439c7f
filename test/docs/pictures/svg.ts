/** Colours and type of the pictures in docs/pictures. */
export const INK = {
  text: '#1e293b',
  soft: '#475569',
  pale: '#94a3b8',
  rule: '#e2e8f0',
  frame: '#1d4ed8',
  bell: '#7e22ce',
  interrupt: '#c2410c',
  walk: '#b45309',
  switch: '#15803d',
  wire: '#0f766e',
} as const;

const FONT = '"Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif';

/** A picture as it grows. */
export class Picture {
  private readonly parts: string[] = [];
  private readonly width: number;

  constructor(width: number) {
    this.width = width;
  }

  add(part: string): void {
    this.parts.push(part);
  }

  line(x1: number, y1: number, x2: number, y2: number, stroke: string, extra = ''): void {
    this.add(`<line x1="${r(x1)}" y1="${r(y1)}" x2="${r(x2)}" y2="${r(y2)}" stroke="${stroke}" ${extra}/>`);
  }

  rect(x: number, y: number, width: number, height: number, fill: string, extra = ''): void {
    this.add(
      `<rect x="${r(x)}" y="${r(y)}" width="${r(width)}" height="${r(height)}" fill="${fill}" ${extra}/>`,
    );
  }

  text(x: number, y: number, words: string, extra = ''): void {
    this.add(`<text x="${r(x)}" y="${r(y)}" ${extra}>${escaped(words)}</text>`);
  }

  /** The file. */
  svg(height: number, title: string, description: string): string {
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${this.width} ${r(height)}" width="${this.width}" height="${r(height)}" role="img" aria-labelledby="title desc">`,
      `<title id="title">${escaped(title)}</title>`,
      `<desc id="desc">${escaped(description)}</desc>`,
      `<style>text{font-family:${FONT};font-size:12px;fill:${INK.text}}.s{font-size:11px;fill:${INK.soft}}.b{font-weight:700}.e{text-anchor:end}.m{text-anchor:middle}.w{fill:#fff}</style>`,
      `<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto" markerUnits="userSpaceOnUse"><path d="M0 1L10 5L0 9z" fill="context-stroke"/></marker></defs>`,
      `<rect x="0.5" y="0.5" width="${this.width - 1}" height="${r(height - 1)}" rx="10" fill="#fff" stroke="#cbd5e1"/>`,
      ...this.parts,
      '</svg>',
      '',
    ].join('\n');
  }
}

/** A coordinate as it is written. */
export function r(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Width of a text in a font of 12 px, as far as it can be told without one. */
export function textWidth(words: string): number {
  return words.length * 6.3;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
