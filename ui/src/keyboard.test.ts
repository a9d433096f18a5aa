import { mount } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { defineComponent, h, ref } from 'vue'
import { useListKeys } from './keyboard'

function list(keys: Partial<Parameters<typeof useListKeys>[1]> = {}) {
  const open = vi.fn()
  const rows = ref([{ id: 'a' }, { id: 'b' }])
  let active: ReturnType<typeof useListKeys> | null = null
  const shown = mount(defineComponent({
    setup() {
      active = useListKeys(rows, { open, ...keys })
      return () => h('div', [h('input'), h('button')])
    },
  }), { attachTo: document.body })
  return { open, shown, active: () => active?.activeId.value }
}

const press = (key: string, where: EventTarget = document.body) => where.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))

describe('the keys of a list', () => {
  it('j and k move and stop at the ends, Enter opens', () => {
    const { open, active, shown } = list()

    for (const key of ['j', 'j', 'j']) press(key)
    expect(active()).toBe('b')
    press('k')
    press('Enter')

    expect(open).toHaveBeenCalledWith({ id: 'a' })
    shown.unmount()
  })

  it('rest while somebody types', () => {
    const { active, shown } = list()

    press('j', shown.get('input').element)

    expect(active()).toBeNull()
    shown.unmount()
  })

  it('leave Enter and Space to a focused button', () => {
    const toggle = vi.fn()
    const { open, shown } = list({ toggle })
    press('j')

    press('Enter', shown.get('button').element)
    press(' ', shown.get('button').element)

    expect(open).not.toHaveBeenCalled()
    expect(toggle).not.toHaveBeenCalled()
    shown.unmount()
  })
})
