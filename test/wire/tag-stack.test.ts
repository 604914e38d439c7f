import { describe, expect, it } from 'vitest';
import { EtherType } from '../../src/wire/ethernet.ts';
import { parseTagStack } from '../../src/wire/tag-stack.ts';
import { fromHex } from './bytes.ts';

const ADDRESSES = 'ffffffffffff 02000000010a';

/** The kinds of the tags, the EtherType behind them and where that ends. */
function outline(text: string, bytes?: number) {
  const frame = fromHex(`ff${text}`);
  const stack = parseTagStack(frame, 1, bytes ?? frame.length - 1);
  return stack && [stack.tags.map(({ kind }) => kind).join(' '), stack.etherType, stack.payloadOffset];
}

describe('the tags of a frame', () => {
  it('are none in an untagged one', () => {
    expect(outline(`${ADDRESSES} 0806 0001`)).toEqual(['', EtherType.ARP, 14]);
  });

  it('are found from the outermost on', () => {
    expect(outline(`${ADDRESSES} 88a8c005 81007064 0806 0001`)).toEqual(['vlan vlan', EtherType.ARP, 22]);
    expect(outline(`${ADDRESSES} 8926aabc9def 0800`)).toEqual(['vntag', EtherType.IPV4, 20]);
    expect(outline(`${ADDRESSES} 893fb1232456789a 81000064 86dd`)).toEqual(['etag vlan', EtherType.IPV6, 26]);
  });

  it('come with their fields', () => {
    const frame = fromHex(`${ADDRESSES} 88a8c005 81007064 0806`);
    expect(parseTagStack(frame, 0, frame.length)?.tags.map(({ tag }) => tag)).toEqual([
      { etherType: EtherType.SERVICE_VLAN, id: 5, priority: 6, dropEligible: false },
      { etherType: EtherType.VLAN, id: 100, priority: 3, dropEligible: true },
    ]);
  });

  it('are not read beyond the end of the frame', () => {
    const frame = `${ADDRESSES} 893fb1232456789a 81000064 86dd`;
    for (let bytes = 0; bytes < 26; bytes++) expect(outline(frame, bytes)).toBeUndefined();
  });
});
