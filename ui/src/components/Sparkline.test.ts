import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import Sparkline from './Sparkline.vue'

describe('a sparkline', () => {
  it('breaks its line where there was no reading', () => {
    const line = mount(Sparkline, { props: { values: [10, 20, null, 30, 40] } }).findAll('path')[1]?.attributes('d') ?? ''

    expect(line.match(/M/g), 'no reading is not a reading of zero').toHaveLength(2)
  })
})
