# What an installed Hadal consists of: headers, two libraries, a CMake package, a pkg-config file, the command.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Called where the libraries are made.
function(hadal_install_library)
  install(TARGETS hadal EXPORT hadal-shared
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(TARGETS hadal_static EXPORT hadal-static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/hadal DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
  if(HADAL_SAMPLE_MODEL)
    foreach(file IN ITEMS plankton.gguf plankton.json)
      set(plankton ${PROJECT_SOURCE_DIR}/examples/plankton/${file})
      install(FILES ${plankton} DESTINATION ${CMAKE_INSTALL_DATADIR}/hadal)
      configure_file(${plankton} ${PROJECT_BINARY_DIR}/share/hadal/${file} COPYONLY)  # as it lies when installed
    endforeach()
  endif()

  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/hadal)
  install(EXPORT hadal-shared NAMESPACE hadal:: DESTINATION ${package})
  install(EXPORT hadal-static NAMESPACE hadal:: DESTINATION ${package})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/hadalConfig.cmake.in
                                ${PROJECT_BINARY_DIR}/hadalConfig.cmake INSTALL_DESTINATION ${package}
                                NO_SET_AND_CHECK_MACRO)
  # Before 1.0 a minor version may change the interface.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/hadalConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/hadalConfig.cmake ${PROJECT_BINARY_DIR}/hadalConfigVersion.cmake
                ${PROJECT_SOURCE_DIR}/cmake/FindDnnl.cmake
          DESTINATION ${package})

  # Relative to the .pc file, so that an installed tree can be moved.
  file(RELATIVE_PATH HADAL_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/hadal.pc.in ${PROJECT_BINARY_DIR}/hadal.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/hadal.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
