import { describe, expect, it } from 'vitest';
import { DMA_OK, TagOperation } from '../../src/dma/index.ts';
import { MESSAGE_ADDRESS } from '../../src/host/index.ts';
import { IOMMU_FAULT, IOMMU_MISS } from '../../src/iommu/index.ts';
import { TAG_AS_IS, TAG_INSERT, TAG_STRIP } from '../../src/nicswitch/index.ts';
import {
  CompletionStatus,
  MESSAGE_BASE,
  MESSAGE_BYTES,
  TRANSLATION_FAULT,
  TRANSLATION_MISS,
} from '../../src/pcie/index.ts';

describe('numbers that pass between parts which do not know each other', () => {
  it('mean the same to the IOMMU and to the root port', () => {
    expect([IOMMU_MISS, IOMMU_FAULT]).toEqual([TRANSLATION_MISS, TRANSLATION_FAULT]);
  });

  it('mean the same to the switch and to the receive engine', () => {
    const { NONE, STRIP, INSERT } = TagOperation;
    expect([TAG_AS_IS, TAG_STRIP, TAG_INSERT]).toEqual([NONE, STRIP, INSERT]);
  });

  it('mean the same to the requester and to the DMA engine', () => {
    expect(CompletionStatus.SUCCESSFUL).toBe(DMA_OK);
  });

  it('lead the messages that the host allocates to where the root port takes messages', () => {
    expect(MESSAGE_ADDRESS).toBeGreaterThanOrEqual(MESSAGE_BASE);
    expect(MESSAGE_ADDRESS + 4).toBeLessThanOrEqual(MESSAGE_BASE + MESSAGE_BYTES);
  });
});
