// Finding the piece that an element belongs to.
#pragma once

// The last i < count with starts[i] <= value; starts rise and the first is not above value.
__device__ __forceinline__ int last_at_most(const int* starts, int count, int value) {
    int low = 0;
    int high = count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (starts[middle] <= value) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}
