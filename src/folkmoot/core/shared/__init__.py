"""Words every area of the core uses: ids, refusals, texts, pages, rates."""
