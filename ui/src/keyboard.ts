import { useEventListener } from '@vueuse/core'
import { computed, ref, type Ref } from 'vue'

const TYPING = 'input, textarea, select, [contenteditable="true"]'
const PRESSABLE = 'button, a[href], summary, [role="button"], [role="checkbox"], [role="menuitem"]'

/**
 * The keys of a list: `j` and `k` move, Enter opens, Space selects, `/` filters.
 *
 * They rest while somebody types, while a dialog is open, and Enter and Space
 * leave a focused button to itself.
 */
export function useListKeys<T extends { id: string }>(rows: Ref<readonly T[]>, keys: { open: (row: T) => void, toggle?: (row: T) => void, filter?: () => void, moved?: (index: number) => void }) {
  const activeId = ref<string | null>(null)
  const activeIndex = computed(() => rows.value.findIndex(row => row.id === activeId.value))
  useEventListener(window, 'keydown', press)
  return { activeId, activeIndex }

  function press(event: KeyboardEvent) {
    const target = event.target instanceof Element ? event.target : document.body
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    if (target.closest(TYPING) || document.querySelector('[role="dialog"]')) return
    const act = actionOf(event.key, target)
    if (!act) return
    event.preventDefault()
    act()
  }

  function actionOf(key: string, target: Element): (() => void) | null {
    const row = rows.value[activeIndex.value]
    switch (key) {
      case 'j': return () => move(1)
      case 'k': return () => move(-1)
      case '/': return keys.filter ?? null
      case 'Enter': return row && !target.closest(PRESSABLE) ? () => keys.open(row) : null
      case ' ': return row && keys.toggle && !target.closest(PRESSABLE) ? () => keys.toggle?.(row) : null
      default: return null
    }
  }

  function move(by: number) {
    const index = Math.min(rows.value.length - 1, Math.max(0, activeIndex.value + by))
    const row = rows.value[index]
    if (!row) return
    activeId.value = row.id
    keys.moved?.(index)
  }
}
